"""Runs of the simulation: the same seed is the same run, and nothing breaks."""

from __future__ import annotations

import inspect
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.command.cli import main
from kiosk.sandbox.world import switches as switches_module
from kiosk.sandbox.world.switches import Switches
from kiosk.simulation import report
from kiosk.simulation.play import OPEN_QUESTIONS, Result, play
from kiosk.simulation.report import Total, again, simulate, simulate_on, table
from tests.imports import HOME

EVER_FAILED = (2, 76795, 5000232, 5000236)
"""Seeds of rough runs that have broken something once; none may again."""


def told(result: Result) -> tuple[object, ...]:
    return list(result.lines), result.outcomes, result.faults, result.calls, result.steps, result.broken


@pytest.mark.slow
def test_a_gentle_run_ends_well() -> None:
    result = play(1, rough=False, drivers=3)
    assert result.broken == []
    assert result.outcomes.total() == 3
    assert result.calls["start"] > 0


@pytest.mark.slow
def test_the_same_seed_is_the_same_run() -> None:
    assert told(play(3, rough=True, drivers=3)) == told(play(3, rough=True, drivers=3))


@pytest.mark.slow
def test_another_seed_is_another_run() -> None:
    assert list(play(3, rough=True, drivers=2).lines) != list(play(4, rough=True, drivers=2).lines)


@pytest.mark.slow
def test_a_run_does_not_hang_on_the_process_that_plays_it() -> None:
    """Names that are hashed in another order change nothing."""
    said = set()
    for number in ("1", "2"):
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "kiosk.command.cli",
                "simulate",
                "--seed",
                "5",
                "--sessions",
                "2",
                "--rough",
                "--story",
            ],
            capture_output=True,
            text=True,
            timeout=300,
            cwd=HOME,
            env={**os.environ, "PYTHONHASHSEED": number, "PYTHONPATH": str(HOME)},
            check=False,
        )
        said.add("\n".join(line for line in run.stdout.splitlines() if not line.startswith("sessions a second")))
        assert run.returncode == 0, run.stdout + run.stderr
    assert len(said) == 1


OUTSIDE = {
    "database gone": "database gone",
    "split": "leader cut off from the database",
    "DNS": "DNS fails",
    "TLS": "TLS fails",
    "dawdling": "every answer a minute late",
}


@pytest.mark.slow
@pytest.mark.parametrize("blow", OUTSIDE)
def test_what_befalls_a_network_is_counted_and_breaks_nothing(blow: str) -> None:
    result = play(2, rough=True, drivers=3, only=frozenset({blow}), two=True)
    assert result.faults[OUTSIDE[blow]] >= 1
    assert result.broken == []
    assert blow in {part.partition(" (")[0] for part in result.parts}


def test_every_open_question_is_answered_otherwise_in_some_runs() -> None:
    """What is not: nothing of it reaches the kiosk, or the run itself hangs on it, or it is drawn for each run."""
    elsewhere = {
        *("unpaid_expiry", "meter_interval"),  # drawn for each run
        "start_needs_cable",  # drivers of the play plug in after the start: none would ever begin
        *("believes_forwarded_for", "cors_allow_origin"),  # who asks is always one address, and no browser
        *("open_session_keeps_connector", "capture_method"),  # the witness counts by them
        "fuses_shared",  # of sites that tell their fuses
    }
    text = inspect.getsource(switches_module)
    asked = set(re.findall(r"# Open: [^\n]*\n(?:    #[^\n]*\n)*    (\w+):", text))
    assert asked == (OPEN_QUESTIONS.keys() - {"paid_late"}) | elsewhere
    usual = Switches()
    for name, others in OPEN_QUESTIONS.items():
        assert getattr(usual, name) not in others


@pytest.mark.slow
def test_answers_to_open_questions_are_counted() -> None:
    result = play(1, rough=True, drivers=1)
    answered = [name for name in result.parts if name.startswith("upstream: ")]
    assert answered
    assert {name: result.faults[name] for name in answered} == dict.fromkeys(answered, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", EVER_FAILED)
def test_what_broke_once_does_not_break_again(seed: int) -> None:
    assert play(seed, rough=True).broken == []


def test_a_run_leaves_nothing_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.simulation.play._memory", lambda: str(tmp_path))
    play(1, rough=False, drivers=1)
    assert list(tmp_path.iterdir()) == []


def test_the_table_names_sessions_faults_ends_and_speed() -> None:
    total = Total(seconds=2.0)
    result = Result(7, drivers=4)
    result.outcomes["captured"] += 4
    result.faults["killed before a commit"] += 1
    result.broken.append("driver 2: a hold has no end (captured)")
    total.add(result, again(result, rough=True))
    lines = table(total)
    assert [line.split("  ")[0] for line in lines if not line.startswith(" ")] == [
        "sessions",
        "calls to upstream",
        "how they ended",
        "faults",
        "broken",
        "sessions a second",
    ]
    assert lines[-1].endswith(" 2.00")
    assert total.broken == [
        "driver 2: a hold has no end (captured). Again: kiosk simulate --seed 7 --sessions 4 --rough --story"
    ]


class Counted:
    """Stands in for a run: three of four drivers charge, and the second seed breaks something."""

    def __init__(self) -> None:
        self.seeds = list[int]()

    def __call__(self, seed: int, *, rough: bool, drivers: int) -> Result:
        assert rough
        self.seeds.append(seed)
        result = Result(seed, drivers=drivers, hours=0.5)
        result.outcomes["captured"] += drivers
        result.faults["call lost"] += 2
        result.calls["start"] += 1
        if seed == 8:
            result.broken.append("driver 2: a hold has no end (captured)")
        return result


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    made = Counted()
    monkeypatch.setattr(report, "play", made)
    return made


def test_a_count_goes_on_where_it_ended_and_adds_up(counted: Counted, tmp_path: Path) -> None:
    file, said = tmp_path / "count.json", list[str]()
    first = simulate_on(file, 7, 24, rough=True, say=said.append)
    assert (first.sessions, first.runs, counted.seeds) == (24, 2, [7, 8])
    second = simulate_on(file, 1000, 40, rough=True, say=lambda _line: None)
    assert (second.sessions, second.runs, counted.seeds) == (40, 4, [7, 8, 9, 10])
    assert (second.outcomes["captured"], second.faults["call lost"], second.calls["start"]) == (40, 8, 4)
    assert second.broken == first.broken
    assert said[0] == f"BROKEN  {first.broken[0]}"
    assert "--seed 8 --sessions 12 --rough" in first.broken[0]
    assert simulate_on(file, 7, 40, rough=True, say=lambda _line: None).runs == 4
    assert [each.name for each in tmp_path.iterdir()] == ["count.json"]


def test_a_count_ends_in_time_and_keeps_what_it_has(counted: Counted, tmp_path: Path) -> None:
    file = tmp_path / "count.json"
    assert simulate_on(file, 7, 24, rough=True, say=lambda _line: None, seconds=0).runs == 0
    assert not file.exists()
    assert counted.seeds == []


@pytest.mark.parametrize("text", ["", "{}", '{"seed": 1, "rough": true, "total": {"outcomes": 3}}'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "count.json"
    file.write_text(text)
    with pytest.raises(ValueError, match="is no count of runs"):
        simulate_on(file, 7, 24, rough=True, say=lambda _line: None)


@pytest.mark.usefixtures("counted")
def test_rough_runs_are_not_added_to_gentle_ones(tmp_path: Path) -> None:
    file = tmp_path / "count.json"
    simulate_on(file, 7, 12, rough=True, say=lambda _line: None)
    with pytest.raises(ValueError, match="counts rough runs"):
        simulate_on(file, 7, 24, rough=False, say=lambda _line: None)


def test_the_command_counts_in_a_file_and_says_when_it_cannot(
    counted: Counted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "count.json"
    asked = ["simulate", "--rough", "--seed", "7", "--count", str(file), "--sessions"]
    try:
        assert main([*asked, "12"]) == 0
        assert main([*asked, "24"]) == 1
        assert counted.seeds == [7, 8]
        file.write_text("{}")
        assert main([*asked, "36"]) == 2
    finally:
        logging.disable(logging.NOTSET)
    assert "is no count of runs" in capsys.readouterr().err


@pytest.mark.slow
def test_a_story_is_told_in_sentences() -> None:
    said = list[str]()
    total = simulate(1, 2, rough=False, story=True, say=said.append)
    assert total.sessions == 2
    assert any("Driver 1 starts at" in line for line in said)
