"""Programmes, alliances, places and calls: what a grant is given under, and by which rules."""
