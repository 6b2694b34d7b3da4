"""What a charging session is, in plain Python: no I/O, no Flask, no clock reads. The time comes in as an argument."""
