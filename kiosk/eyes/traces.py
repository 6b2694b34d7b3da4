"""Spans of OpenTelemetry: requests by their route, calls by the name of their endpoint, rounds and jobs of the engine.

No span has an address, a header, a body or a key: what is said of one passes the same redaction as a line of the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from kiosk.config.logs import mute_library, redacted
from kiosk.config.settings import Settings
from kiosk.eyes.missing import missing

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

SERVICE = "charge-kiosk"
Side = Literal["server", "client", "internal"]
"""Who asks whom: `server` was asked, `client` asks others."""
OnCall = Callable[[str, StrEnum, int | None, float], None]
"""Hears of every call of a client: endpoint, how it ended, HTTP status if one came, seconds of the wall clock."""
FINE = frozenset({"ok", "budget_spent"})
"""Ends of calls at which nobody has failed."""


class Traces:
    """Thread-safe. Spans leave on a thread of their own, some seconds later; what cannot leave is dropped."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace import SpanKind, StatusCode

        self._provider = provider
        self._tracer = provider.get_tracer("kiosk")
        self._kinds = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
        self._failed = StatusCode.ERROR

    def record(
        self, name: str, seconds: float, side: Side = "internal", *, failed: bool = False, **said: object
    ) -> None:
        """Something that has just ended and took so long. A part of the span that is open on this thread, if any."""
        end = time.time_ns()
        span = self._tracer.start_span(
            name, kind=self._kinds[side], start_time=end - int(seconds * 1e9), attributes=_attributes(said)
        )
        if failed:
            span.set_status(self._failed)
        span.end(end)

    @contextmanager
    def span(self, name: str, **said: object) -> Iterator[None]:
        """The length of the block. An error is named by its class alone: its text may hold anything."""
        with self._tracer.start_as_current_span(
            name, attributes=_attributes(said), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                span.set_status(self._failed)
                span.set_attribute("error.type", type(error).__name__)
                raise

    def on_call(self, system: str) -> OnCall:
        """What a client of that system is given."""

        def note(endpoint: str, outcome: StrEnum, status: int | None, seconds: float) -> None:
            self.record(
                f"{system} {endpoint}",
                seconds,
                "client",
                failed=outcome.value not in FINE,
                system=system,
                outcome=outcome.value,
                status=status,
            )

        return note

    def close(self) -> None:
        """Send what is left, for at most some seconds."""
        self._provider.shutdown()


def traces_of(settings: Settings) -> Traces | None:
    """None without OTEL_EXPORTER_OTLP_ENDPOINT. Raises SettingsError when the libraries are missing."""
    if settings.otlp_endpoint is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise missing("OTEL_EXPORTER_OTLP_ENDPOINT") from None
    mute_library("opentelemetry")
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Traces(provider)


def _attributes(said: Mapping[str, object]) -> dict[str, str | int | float | bool]:
    return {
        f"kiosk.{name}": value if isinstance(value, str | int | float | bool) else str(value)
        for name, value in redacted(said).items()
        if value is not None
    }
