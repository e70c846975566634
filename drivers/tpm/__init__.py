"""Keys in a TPM 2.0: it signs, seals small secrets behind a PIN, and never gives a key away."""
