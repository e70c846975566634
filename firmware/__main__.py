"""`python -m firmware` is `kiosk`."""

from firmware.cli import main

main()
