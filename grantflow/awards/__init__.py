"""Awards: the grant from the offer to the signed agreement, and what its books say."""
