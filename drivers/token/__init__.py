"""Keys in hardware: a PKCS#11 token signs and derives, and never gives a key away."""
