"""Addresses that command an app under test from outside. They are answered before the app is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Query = dict[str, list[str]]
Work = Callable[[Query], object]


def controlled(app: WSGIApplication, routes: Mapping[str, Work]) -> WSGIApplication:
    """`app` behind `routes`: what each of them returns goes out as JSON."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        work = routes.get(environ["PATH_INFO"])
        if work is None:
            return app(environ, start_response)
        body = json.dumps(work(parse_qs(environ["QUERY_STRING"]))).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return answer
