"""The chip transaction: from frozen content to a live card (DESIGN section 6)."""
