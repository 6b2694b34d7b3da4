"""The worlds that tests are played in. Take the smallest one in which the thing under test can happen.

| what the test is about | take | it has |
|---|---|---|
| a decision: what follows from these facts at this moment | no world: plain values, `tests/domain/made.py` | nothing runs |
| what is remembered, and that two at once stay whole | the fixtures `store`, `second` of `tests/store`, and `tests/store/build.py` | one database |
| what a client of an outside system sends and understands | `tests/upstream`: `wire_world` (public endpoints), `operator_wire`, `support.loopback` (real sockets) | answers written by the test |
| what the engine does with one charger's sessions | `house`, `house_with_proofs` of `tests/engine`, made of `engine.EngineWorld` | engine, sandbox, bank; time passes in `run` |
| what the engine reads of whole sites: states, prices, fuses, makes | `build` of `tests/engine`, made of `engine.EngineWorld` | engine and all four systems of the sandbox |
| what a page says and offers in a state | `kiosk`, `phone` of `tests/web`, made of `by_hand.ByHand` | app and store; the test is the engine |
| the same on a site's screen, or with a fuse tree | `tests/web/paired.py`, `tests/web/powered.py` on top of `kiosk` | a paired screen; a tree |
| the app's foundation: settings, headers, health, errors | `made_app` of `tests/web/built.py` | an app; nobody answers outside |
| the stand-ins themselves | `garage` of `tests/sandbox`, and the stripe, operator and pilot stands beside their tests | the sandbox alone |
| a picture of a screen, or a page's script in a state | `stage` of `tests/browser`, made of `by_hand.ByHand` | a server, Chromium; the test is the engine |
| a driver's whole way, from the code to the receipt | `garage` of `tests/browser` | server, Chromium, engine, sandbox, a quick clock |

What is the same for all of them is made once in a process: see `once`. A new world is a new subclass of `EngineWorld` or
`ByHand`, and stays beside its tests until a second folder wants it.
"""
