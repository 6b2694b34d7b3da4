"""The gate of `scripts/coverage`: what it refuses, and what it says of it."""

from __future__ import annotations

import json

import pytest

from tests.coverage_gate import Gates, Measured, complaints, gates_of, hints, measured, shares
from tests.imports import HOME

MONEY = "kiosk/domain/money.py"
GAP = f"""
[[tool.kiosk.coverage.gaps]]
file = "{MONEY}"
missed = 2
why = "two processes would have to die at once"
"""


def asked(gaps: str = "", *, domain: float = 100, web: float = 95) -> Gates:
    return gates_of(f"[tool.kiosk.coverage.rooms]\ndomain = {domain}\nweb = {web}\n{gaps}")


def ran(*files: Measured) -> list[Measured]:
    """These files, and one of each room in which nothing is missed."""
    return [Measured("kiosk/domain/line.py", 50), Measured("kiosk/web/page.py", 100), *files]


def test_a_file_of_a_complete_room_below_the_gate_is_named_with_its_lines_and_branches() -> None:
    found = complaints(ran(Measured(MONEY, 50, (7,), ((8, 9), (10, -3)))), asked())
    assert found == [
        "domain: 97.00 % of its lines and branches, at least 100 % is asked for",
        f"{MONEY}: 3 missed: lines 7; branches 8->9, 10->end",
    ]


def test_nothing_is_said_when_everything_ran() -> None:
    assert complaints(ran(), asked()) == []


def test_a_room_that_need_not_be_complete_may_miss_something() -> None:
    assert complaints(ran(Measured("kiosk/web/board.py", 100, (1, 2, 3, 4))), asked()) == []


def test_a_room_below_its_share_names_the_files_that_miss_most() -> None:
    found = complaints(ran(Measured("kiosk/web/board.py", 100, tuple(range(1, 21)))), asked())
    assert found[0] == "web: 90.00 % of its lines and branches, at least 95 % is asked for"
    assert found[1].startswith("kiosk/web/board.py: 20 missed: lines 1, 2")


def test_a_room_in_which_nothing_was_measured_is_below_its_gate() -> None:
    assert "domain: 0.00 % of" in complaints([Measured("kiosk/web/page.py", 100)], asked())[0]


def test_a_room_without_a_gate_may_miss_anything() -> None:
    assert (
        complaints(ran(Measured("kiosk/sandbox/book.py", 10, (1, 2, 3)), Measured("kiosk/clock.py", 9, (4,))), asked())
        == []
    )


def test_a_gap_that_is_named_is_excused() -> None:
    assert complaints(ran(Measured(MONEY, 50, (7, 8))), asked(GAP)) == []


def test_what_is_missed_beyond_a_gap_is_not_excused() -> None:
    assert f"{MONEY}: 1 missed: lines 7, 8, 9" in complaints(ran(Measured(MONEY, 50, (7, 8, 9))), asked(GAP))


def test_a_gap_that_is_smaller_than_named_is_pointed_out_and_no_failure() -> None:
    files = ran(Measured(MONEY, 50, (7,)))
    assert complaints(files, asked(GAP)) == []
    assert hints(files, asked(GAP)) == [f"{MONEY}: a gap of 2 is named and 1 missed this time"]


def test_a_gap_that_is_closed_is_pointed_out_and_no_failure() -> None:
    files = ran(Measured(MONEY, 50))
    assert complaints(files, asked(GAP)) == []
    assert hints(files, asked(GAP)) == [f"{MONEY}: a gap of 2 is named and 0 missed this time"]


def test_a_gap_in_a_file_that_is_gone_is_removed() -> None:
    assert complaints(ran(), asked(GAP)) == [f"{MONEY}: a gap is named and there is no such file: remove it"]


@pytest.mark.parametrize(
    ("gaps", "why"),
    [
        (GAP.replace("two processes would have to die at once", " "), "no reason"),
        (GAP.replace("why", "because"), "no reason"),
        (GAP.replace("missed = 2", "missed = 0"), "nothing is missed"),
        (GAP + GAP, "twice"),
    ],
)
def test_a_gap_that_is_not_said_as_it_must_be_is_refused(gaps: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        asked(gaps)


def test_the_share_of_a_room_is_that_of_its_lines_and_branches_together() -> None:
    assert shares([Measured(MONEY, 20, (1,), ((2, 3),))], asked())["domain"] == 90


def test_a_report_of_coverage_is_read_as_it_stands() -> None:
    report = {
        "files": {
            MONEY: {
                "summary": {"num_statements": 10, "num_branches": 4},
                "missing_lines": [3],
                "missing_branches": [[4, -1]],
            }
        }
    }
    assert measured(json.dumps(report)) == [Measured(MONEY, 14, (3,), ((4, -1),))]


def test_the_projects_own_gates_name_files_that_are_there() -> None:
    gates = gates_of((HOME / "pyproject.toml").read_text(encoding="utf-8"))
    assert {room for room in gates.rooms if not (HOME / "kiosk" / room).is_dir()} == set()
    assert [file for file in gates.gaps if not (HOME / file).is_file()] == []
