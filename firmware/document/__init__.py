"""What goes on the chip, and whether it is genuine (ICAO Doc 9303). Pure: bytes in, bytes out."""
