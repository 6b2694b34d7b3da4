"""`python app.py`: the demo, everything embedded. Listens on PORT (8000)."""

import sys

from kiosk.command.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["demo", *sys.argv[1:]]))
