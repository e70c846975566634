"""The panel: two lamps, the tray and its lock, the door, the tamper loop, a buzzer."""
