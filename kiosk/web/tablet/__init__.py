"""The screen on site: pairing, the board of bays, a bay, a driver's visit."""
