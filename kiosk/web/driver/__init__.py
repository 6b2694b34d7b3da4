"""Pages before the start: the box for the code, the card of a charger, the hand-off from the tablet."""
