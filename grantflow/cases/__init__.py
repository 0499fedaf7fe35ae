"""A running workflow: cases, the one door through which they move, deadlines, and the outbox."""
