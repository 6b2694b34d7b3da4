"""The rehearsal: a whole charge with a virtual charger before opening day, and a report of every step.

Nobody but the command line uses this room. `stage` alone knows the sandbox, and is loaded only for `--sandbox`.
"""
