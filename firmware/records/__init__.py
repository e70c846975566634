"""The record: journal, outbox and audit chain of one box (DESIGN section 5)."""
