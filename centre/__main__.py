"""`python -m centre` is `kiosk-centre`."""

from centre.cli import main

main()
