"""A stand-in for OCPPLAB over one world."""
