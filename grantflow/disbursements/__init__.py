"""Disbursements: the tranches of a grant, their approvals, and the ledger of what was paid."""
