"""The report in lines for people, and as JSON for machines."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from kiosk.rehearsal.steps import EXPECTED, Mark, Outcome, Report


def opening(code: str, connector_id: int, against: str, began: datetime) -> str:
    return f"Rehearsal at {code}, bay {connector_id}, against {against}, {began:%Y-%m-%d %H:%M} UTC"


def step_lines(outcome: Outcome) -> list[str]:
    """One step, as soon as it is over."""
    at = f"{outcome.at:%H:%M:%S}" if outcome.at is not None else " " * 8
    took = f"{_seconds(outcome.took)} s" if outcome.took is not None else ""
    lines = [f"{outcome.mark.value:7}  {at}  {took:>9}  {outcome.step.value}"]
    if outcome.mark is Mark.SKIPPED:
        return [f"{lines[0]}: {outcome.why}"]
    lines.append(f"{'':30}expected  {EXPECTED[outcome.step]}")
    lines.append(f"{'':30}came      {outcome.came}")
    if outcome.why:
        lines.append(f"{'':30}why       {outcome.why}")
    return lines


def closing_lines(report: Report) -> list[str]:
    """The clean-up and the result."""
    lines = [f"Clean-up: {line}." for line in report.tidied]
    lines += [f"LEFT OPEN: {line}." for line in report.left]
    failed = report.failed
    went = sum(outcome.mark is Mark.OK for outcome in report.outcomes)
    took = f"{_seconds(report.ended - report.began)} s"
    if failed is not None:
        lines.append(f'Failed at "{failed.step.value}" after {took}: {failed.why}.')
    elif report.left:
        lines.append(f"{went} steps went well, but something was left open: see above.")
    elif went < len(report.outcomes):
        lines.append(f"{went} steps went well in {took}, {len(report.outcomes) - went} were skipped.")
    else:
        lines.append(f"All {went} steps went well in {took}.")
    return lines


def as_json(report: Report) -> str:
    """Times are ISO 8601 in UTC, durations seconds as text."""
    return json.dumps(
        {
            "passed": report.passed,
            "code": report.code,
            "connector_id": report.connector_id,
            "against": report.against,
            "began": _moment(report.began),
            "ended": _moment(report.ended),
            "failed_step": report.failed.step.value if report.failed is not None else None,
            "steps": [
                {
                    "step": each.step.value,
                    "mark": each.mark.value,
                    "at": _moment(each.at) if each.at is not None else None,
                    "seconds": _seconds(each.took) if each.took is not None else None,
                    "expected": EXPECTED[each.step],
                    "came": each.came,
                    "why": each.why,
                }
                for each in report.outcomes
            ],
            "tidied": list(report.tidied),
            "left": list(report.left),
        },
        indent=2,
        ensure_ascii=False,
    )


def _seconds(duration: timedelta) -> str:
    tenths = duration // timedelta(milliseconds=100)
    return f"{tenths // 10}.{tenths % 10}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
