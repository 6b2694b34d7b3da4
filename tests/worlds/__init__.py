"""The worlds that tests are played in. Take the smallest one in which the thing under test can happen.

Nothing runs
    A decision, what follows from these facts at this moment: plain values, `tests/domain/made.py`.
One database
    What is remembered, and that it stays whole when two write at once: the fixtures `store` and `second` of
    `tests/store`, with the sessions of `tests/store/build.py`.
Answers that the test writes
    What a client of an outside system sends, and how it reads what comes back: `FakedWire`, under the clients of
    `tests/upstream`. Real sockets, for what only they can do: `loopback` of `tests/upstream/support.py`.
Engine, sandbox and bank; time passes in `run`
    What the engine does with the sessions of chargers: `house` and `house_with_proofs` of `tests/engine`. What it reads
    of whole sites, their states, prices, fuses and makes: `build` of `tests/engine`. Both are an `EngineWorld`.
App and store; the test is the engine
    What a page says and offers in a state: `kiosk` and `phone` of `tests/web`, a `ByHand`. On the screen of a site add
    `tests/web/paired.py`, with a fuse tree `tests/web/powered.py`. The app's foundation, settings, headers, health and
    errors: `made_app` of `tests/web/built.py`.
The sandbox alone
    The stand-ins themselves: `garage` of `tests/sandbox`, and the stands that lie beside their tests.
Server and Chromium; the test is the engine
    A picture of a screen, or what its script does in a state: `stage` of `tests/browser`, a `ByHand`.
Server, Chromium, engine, sandbox, and a quick clock
    A driver's whole way, from the code to the receipt: `garage` of `tests/browser`. The slowest: take it last.

What all of them need is made once in a process, see `once`. A new world is one more `EngineWorld` or `ByHand`; it lies
beside the tests that want it, until a second folder does.
"""
