"""Owns the workflow kernel: what a definition says, whether it is sound, and which step leads where.

Leaves cases, people, the database and the web to the layers above; nothing here imports them.
"""
