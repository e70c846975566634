"""Virtual devices: each replaces the lowest layer that exists, and is as strict as the real one."""
