"""What is on the screen as a file: the same rows and columns, streamed, and written down before and afterwards.

In the log stands who took which rows in which form, and, when the last one has left, how many there were. Two files are
made at once, and no more: whoever takes the third one waits, so that drivers do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import BoundedSemaphore

import structlog
from flask import Response, abort, stream_with_context, url_for

from kiosk.clock import Clock
from kiosk.store.errors import CannotWrite
from kiosk.store.store import Store
from kiosk.tables import csv_text, workbook
from kiosk.tables.table import Table, Value, Words
from kiosk.web.desk.access import signed_in
from kiosk.web.desk.shell import left_out, page
from kiosk.web.shared.parts import parts
from kiosk.web.shared.text import _

FORMS: Mapping[str, tuple[str, Callable[[Table], Iterator[bytes]]]] = {
    "csv": (csv_text.TYPE, csv_text.csv_pieces),
    "xlsx": (workbook.TYPE, workbook.xlsx_pieces),
}
MOST_AT_ONCE = 2
BUSY_SECONDS = 30
_at_once = BoundedSemaphore(MOST_AT_ONCE)

log = structlog.stdlib.get_logger(__name__)


def words() -> Words:
    """What the columns beside amounts and times are called."""
    return Words(
        _("Currency"),
        _("Time zone"),
        _("This sheet holds no more rows. Take the table as CSV: it has all of them."),
    )


def links(endpoint: str, **chosen: object) -> list[tuple[str, str]]:
    """For the page that shows the table: the name of each form, and its address with the same filters."""
    return [(form.upper(), url_for(endpoint, form=form, **chosen)) for form in FORMS]  # type: ignore[arg-type]


def download(table: Table, form: str, chosen: str) -> Response:
    """The table as a file. `chosen` are the filters as they may stand in the log: no address of a driver.

    Before this is called nothing of the rows is asked for: that begins when the first bytes are out. Raises CannotWrite
    when it cannot be written down who takes it: then nobody gets it.
    """
    if left_out():  # a file cannot say that it holds more than was asked for
        abort(400)
    kind, pieces_of = FORMS[form]
    who, clock, store = signed_in().person.name, parts().clock, parts().store
    if not _at_once.acquire(blocking=False):
        answer = page("desk/busy.html", 429)
        answer.headers["Retry-After"] = str(BUSY_SECONDS)
        return answer
    counted = _Counted(table.rows)
    done = _Done(store, clock, who, f"{table.name}.{form}", counted)
    try:
        store.desk.log(who, "export_begun", clock.now(), subject=done.file, reason=chosen or None)
        pieces = pieces_of(replace(table, rows=counted))
        answer = Response(stream_with_context(_until_done(pieces, done)), content_type=kind)
        answer.call_on_close(done.close)
    except BaseException:
        _at_once.release()
        raise
    day = clock.now().date().isoformat()
    answer.headers["Content-Disposition"] = f'attachment; filename="{table.name}-{day}.{form}"'
    return answer


class _Counted:
    """Rows, counted as they go by."""

    def __init__(self, rows: object) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Sequence[Value]]:
        for row in self._rows:  # type: ignore[attr-defined]
            self.count += 1
            yield row


class _Done:
    """The end of one file, whether its last row has left or its reader has: written down once."""

    def __init__(self, store: Store, clock: Clock, who: str, file: str, counted: _Counted) -> None:
        self.file = file
        self.whole = False
        self._over = False
        self._store, self._clock, self._who, self._counted = store, clock, who, counted

    def close(self) -> None:
        """Also called for a file of which nobody has asked for the first piece."""
        if self._over:
            return
        self._over = True
        _at_once.release()
        did = "export_ended" if self.whole else "export_broken_off"
        try:
            self._store.desk.log(
                self._who, did, self._clock.now(), subject=self.file, reason=f"{self._counted.count} rows"
            )
        except CannotWrite:  # that it was begun is written down
            log.warning("the end of an export could not be written into the desk's log", rows=self._counted.count)


def _until_done(pieces: Iterator[bytes], done: _Done) -> Iterator[bytes]:
    try:
        yield from pieces
        done.whole = True
    finally:
        done.close()
