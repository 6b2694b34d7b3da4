"""Makes backups in their rhythm. Whether the last one is old is asked of the folder itself: files can be lost."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import partial

from kiosk.engine.context import BackupPlan, Context
from kiosk.engine.duty import Duty, Job, Jobs, Pool
from kiosk.store.backup import back_up, newest_in

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)


class BackUp(Duty):
    """One after the other. One that cannot be made is tried again later, and the engine says so."""

    name = "backups"
    beat = LOOK_EVERY

    def __init__(self, context: Context) -> None:
        self._context = context

    def jobs(self, now: datetime) -> Jobs:  # noqa: ARG002 - the folder is looked at by the worker, as it may be far away
        plan = self._context.backups
        if plan is None:
            return Jobs()
        return Jobs((Job("backup", partial(self._back_up, plan), pool=Pool.BACKUPS),))

    def _back_up(self, plan: BackupPlan) -> None:
        """Raises NoBackup and OSError, so that the trouble is told."""
        now = self._context.clock.now()
        last = newest_in(plan.folder, now)
        if last is not None and now - last < plan.every:
            return
        made = back_up(plan.database, plan.folder, plan.cipher, now, keep=plan.keep)
        log.info("a backup was made and opened again", extra={"bytes": made.size, "rows": made.rows})
