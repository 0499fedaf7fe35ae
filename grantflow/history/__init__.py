"""The one log: insert-only, hash-chained events, checkpoints over all chains, and their verification."""
