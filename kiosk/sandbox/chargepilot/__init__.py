"""A stand-in for ChargePilot over one world."""
