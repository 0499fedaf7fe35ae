"""Drafts, attachments, submitted versions and their receipts: what an applicant writes and sends."""
