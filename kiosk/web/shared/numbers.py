"""Numbers in addresses: no greater than that of any row can be, so that no database is asked for what none has."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import IntegerConverter, Map

HIGHEST = 2**63 - 1


class Number(IntegerConverter):
    """`<int:number>` in a route. A greater one is of no page: 404."""

    def __init__(self, rules: Map, *args: Any, **options: Any) -> None:
        options.setdefault("max", HIGHEST)
        super().__init__(rules, *args, **options)
