"""What the engine keeps fresh for the boards of whole sites: states, prices, fuses, makes, pictures."""
