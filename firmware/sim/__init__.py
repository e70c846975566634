"""The virtual station: virtual devices and virtual citizens. Loaded by the demo and by `make kiosk` only."""
