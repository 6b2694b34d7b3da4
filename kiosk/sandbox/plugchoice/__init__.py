"""A stand-in for Plugchoice: the public and the operator endpoints over one world."""
