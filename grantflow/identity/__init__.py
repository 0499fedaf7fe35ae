"""People, organisations, roles and access: who somebody is and what they may do where."""
