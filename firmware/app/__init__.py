"""The composition root: driver answer → event; effect → driver, screen, store."""
