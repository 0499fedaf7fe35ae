"""Scoring: panels, declarations of interest, reviews, the ranking and the decision."""
