"""The world's process: chargers, cars, back office and Stripe of the demo. It outlives every change of the kiosk."""

from __future__ import annotations

import secrets

from werkzeug.serving import make_server

from dev import child, timing
from dev.line import world_end
from kiosk.demo import Sandbox, keep_up, new_world
from kiosk.sandbox.__main__ import QuietHandler


def main() -> None:
    options = child.arguments()
    child.obey()
    # Another seed each time: the kiosk's store is kept, and a token of an older world must open nothing in this one.
    world = new_world(timing.read(options.folder).clock(), seed=secrets.randbits(32))
    end = keep_up(world)
    server = make_server(
        "127.0.0.1",
        options.world,
        world_end(Sandbox(world)),
        threaded=True,
        fd=options.fd,
        request_handler=QuietHandler,
    )
    try:
        server.serve_forever()
    finally:
        server.server_close()
        end()


if __name__ == "__main__":
    main()
