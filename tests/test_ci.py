"""When `.ci/run` ends with an error, and what its last lines say. Made-up scripts stand for the long ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.imports import HOME

CACHE = Path(".pytest_cache/v/cache/lastfailed")
PASSED = "== 6725 passed in 420.59s =="


@dataclass(frozen=True)
class Run:
    code: int
    lines: list[str]


def failing(*names: str) -> str:
    """A run of the tests in which these failed, as a script."""
    kept = json.dumps(dict.fromkeys(names, True))
    return f"mkdir -p {CACHE.parent}; echo '{kept}' >{CACHE}; echo '== {len(names)} failed =='; exit 1"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Run]:
    """`.ci/run` in a project whose scripts do what is given; `again` is a run of the tests that failed."""

    def script(name: str, does: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/usr/bin/env bash\n{does}\n", encoding="utf-8")
        file.chmod(0o755)

    def start(
        *, check: str = "", quick: str = "", simulate: str = "", test: str = "", again: str = "", coverage: str = ""
    ) -> Run:
        for name in ("chromium", "chromium-headless-shell", "npm", "apt-get"):
            script(f"bin/{name}", "")
        for name, does in {"check": check, "quick": quick, "simulate": simulate, "coverage": coverage}.items():
            script(f"scripts/{name}", does)
        passed = f"echo '{{}}' >{CACHE}; echo '{PASSED}'"
        script("scripts/test", f'if [ "$*" = "" ]; then {test or "true"}; else {again or passed}; fi; echo "{PASSED}"')
        (tmp_path / ".venv/bin").mkdir(parents=True)
        (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
        (tmp_path / ".ci").mkdir()
        shutil.copy(HOME / ".ci/run", tmp_path / ".ci/run")
        around = {name: value for name, value in os.environ.items() if not name.startswith("KIOSK_")}
        paths = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
        done = subprocess.run(  # noqa: S603 - our own script
            [str(tmp_path / ".ci/run")], capture_output=True, text=True, env={**around, "PATH": paths}, check=False
        )
        return Run(done.returncode, done.stdout.splitlines())

    return start


def test_everything_is_well_when_every_part_is(run: Callable[..., Run]) -> None:
    done = run()
    assert (done.code, done.lines[-2:]) == (0, ["flaky: 0", PASSED])


@pytest.mark.parametrize("part", ["check", "coverage"])
def test_a_part_that_fails_is_an_error_after_the_tests_have_run(run: Callable[..., Run], part: str) -> None:
    done = run(**{part: "exit 1"})
    assert (done.code, done.lines[-1]) == (1, PASSED)


def test_what_the_simulation_finds_is_told_and_fails_nothing_yet(run: Callable[..., Run]) -> None:
    """Its seeds are new each time: a finding is somebody's next work, and no fault of this change."""
    done = run(simulate="echo BROKEN; exit 1")
    assert done.code == 0
    assert done.lines.index("BROKEN") + 1 == done.lines.index("The simulation found something: see the lines above.")


def test_tests_that_fail_twice_are_an_error(run: Callable[..., Run]) -> None:
    done = run(test=failing("a", "b"), again=failing("a"))
    assert (done.code, done.lines[-4:]) == (1, ["flaky: 1", "b", "== 2 failed ==", "== 1 failed =="])


def test_a_run_that_broke_off_is_an_error_and_is_not_tried_again(run: Callable[..., Run]) -> None:
    done = run(test="echo broken; exit 3", again="exit 0")
    assert (done.code, done.lines[-2:]) == (3, ["flaky: 0", "broken"])


def test_two_tests_that_pass_on_the_second_try_are_named_and_allowed(run: Callable[..., Run]) -> None:
    done = run(test=failing("a", "b"))
    assert (done.code, done.lines[-5:]) == (0, ["flaky: 2", "a", "b", "== 2 failed ==", PASSED])


def test_more_tests_that_pass_on_the_second_try_are_an_error(run: Callable[..., Run]) -> None:
    done = run(test=failing("a", "b", "c"))
    assert (done.code, done.lines[-6]) == (1, "flaky: 3")


def test_the_one_run_of_the_tests_measures_what_they_cover(run: Callable[..., Run]) -> None:
    assert run(test='[ "$TEST_COVERAGE" = 1 ] || exit 3').code == 0


def test_coverage_is_judged_of_the_run_that_was(run: Callable[..., Run]) -> None:
    assert run(coverage='[ "$*" = --measured ] || exit 1').code == 0


def test_no_setting_of_the_shell_reaches_a_test() -> None:
    one = "tests/command/test_cli.py::test_a_wrong_setting_is_one_sentence_and_two"
    around = {**os.environ, "KIOSK_NO_SUCH_SETTING": "1"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", one], env=around, cwd=HOME, check=False
    )
    assert done.returncode == 0
