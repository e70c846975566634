"""Who this box is: identity, keys, trust anchors."""
