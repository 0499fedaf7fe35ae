"""Publication: what leaves the house once the results are announced."""
