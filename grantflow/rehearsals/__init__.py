"""The rehearsal of a call: walking through it before anybody applies."""
