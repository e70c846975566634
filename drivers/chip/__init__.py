"""The chip reader and what is spoken over it: PC/SC, APDUs, BAC, secure messaging, card dialects."""
