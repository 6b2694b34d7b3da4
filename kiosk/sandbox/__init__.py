"""A stand-in world with its own clock: chargers, cars, the back office and the payment provider. Not for real money.

It serves the demo, the tests and the benchmarks. Production never imports it.
"""
