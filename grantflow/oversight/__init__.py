"""The auditor's rooms: time lines, verification, exports."""
