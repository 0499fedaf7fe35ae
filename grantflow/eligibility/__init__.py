"""The rules of eligibility, their results, and the officers' pipeline."""
