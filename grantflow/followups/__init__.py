"""Followups: the reports a grantee owes, and the checks, years later, of whether the enterprise still
stands."""
