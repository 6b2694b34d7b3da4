"""The simulation: the real engine, services, store and clients before the sandbox, in one process, with bad luck.

Time is made up and jumps from event to event. A seed decides everything, so a run can be had again.
"""
