"""Both locks in empty environments, with the oldest pip that fits and the newest; the wheel alone, from another folder.

The packages are fetched once and then installed without a network, so that no newer package anywhere changes a result.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

HOME = Path(__file__).parents[2]
RUN, DEV = HOME / "requirements.lock", HOME / "requirements-dev.lock"
NOT_IN_A_CLONE = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "data", "node_modules", "screens")
OLDEST_PIP = "pip==23.0" if sys.version_info < (3, 12) else "pip==23.2.1"
"""Python 3.12 no longer has what pip before 23.2 imports."""
PATIENCE = 300
"""Seconds after which a command hangs. No test waits for it."""

pytestmark = pytest.mark.install


def run(
    command: list[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - what these tests put together themselves
        command, cwd=cwd, env=env, text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
    )


def must(command: list[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Its output. Fails with the output when the command does."""
    done = run(command, cwd, env)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Environment:
    """A virtual environment that holds one pip and nothing else."""

    def __init__(self, folder: Path, pip: str, wheels: Path) -> None:
        self.folder, self._wheels = folder, wheels
        must([sys.executable, "-m", "venv", folder])
        self.pip("install", "--no-deps", *self._offline, "--upgrade", pip)
        inside = must([self.program("python"), "-c", "import importlib.util as u; print(u.find_spec('setuptools'))"])
        if inside.strip() != "None":  # Python 3.11 brings one, newer ones do not; the lock's must do
            self.pip("uninstall", "--yes", "setuptools")

    @property
    def _offline(self) -> list[str]:
        return ["--no-index", "--find-links", str(self._wheels), "--no-compile"]

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def pip(self, *arguments: str | Path) -> str:
        """Without this machine's settings for pip."""
        return must([self.program("python"), "-m", "pip", "--isolated", "--disable-pip-version-check", *arguments])

    def install_lock(self, lock: Path) -> None:
        """As `scripts/_env` and docs/install.md do it, but without a network."""
        self.pip("install", "--no-deps", "--require-hashes", *self._offline, "-r", lock)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that both locks name, and both pips."""
    folder = tmp_path_factory.mktemp("wheels")
    fetch: list[str | Path] = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    found = run([*fetch, OLDEST_PIP])
    if found.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"no package can be fetched here: {found.stderr.strip().splitlines()[-1]}")
    assert found.returncode == 0, found.stderr
    shutil.move(next(folder.glob("pip-*.whl")), folder / "kept.whl")  # or the next call would take it for the newest
    must([*fetch, "pip"])
    shutil.move(folder / "kept.whl", folder / f"pip-{OLDEST_PIP.partition('==')[2]}-py3-none-any.whl")
    must([*fetch, "--require-hashes", "-r", DEV])
    return folder


@pytest.fixture(scope="module", params=["oldest", "newest"])
def environment(request: pytest.FixtureRequest, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With the runtime lock alone. The lock for development follows in the test that installs it."""
    wanted = OLDEST_PIP if request.param == "oldest" else "pip"
    made = Environment(tmp_path_factory.mktemp(str(request.param)) / "venv", wanted, wheels)
    made.install_lock(RUN)
    return made


@pytest.fixture(scope="module")
def wheel(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the locked setuptools from a copy, so that nothing of an earlier build gets in."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(HOME, folder / "clone", ignore=NOT_IN_A_CLONE)
    environment.pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder, folder / "clone")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(environment: Environment, wheel: Path) -> Environment:
    environment.pip("install", "--no-deps", "--no-index", "--no-compile", wheel)
    return environment


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """The environment variables of a kiosk that is set up in an empty folder, and nothing of this checkout."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KIOSK_SECRET_KEY": "Zq7-secret_key.with+many/different=characters",
        "KIOSK_PUBLIC_URL": "https://charge.example",
        "KIOSK_DATA_DIR": str(tmp_path / "data"),
    }


def test_the_runtime_lock_is_complete(environment: Environment) -> None:
    assert "No broken requirements" in environment.pip("check")


def test_the_wheel_holds_every_file_that_the_kiosk_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    clone = wheel.parent / "clone"
    read = {str(path.relative_to(clone)) for path in (clone / "kiosk").rglob("*") if path.is_file()}
    for name in ("templates", "static"):
        read |= {f"kiosk/_{path.relative_to(clone)}" for path in (clone / name).rglob("*") if path.is_file()}
    assert {name for name in read - held if not name.endswith((".pyc", ".LICENSE"))} == set()


def test_the_doctor_runs_from_the_wheel(installed: Environment, elsewhere: dict[str, str], tmp_path: Path) -> None:
    assert "No broken requirements" in installed.pip("check")
    sold = elsewhere | {"KIOSK_SELL_UNLISTED": "true"}  # there is no kiosk.toml that says which chargers are ours
    said = must([installed.program("kiosk"), "doctor"], tmp_path, sold)
    assert "KIOSK_SECRET_KEY looks random." in said
    assert "BAD" not in said


@pytest.fixture
def demo(installed: Environment, elsewhere: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The address of the demo, started from the wheel in an empty folder."""
    command: list[str | Path] = [installed.program("kiosk"), "demo", "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - what these tests put together themselves
        command, cwd=tmp_path, env=elsewhere, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if found := re.search(r"the driver +(http://127\.0\.0\.1:\d+)/", line):
                    yield found[1]
                    break
            else:
                pytest.fail("".join(lines))
        finally:
            process.terminate()


def test_pages_are_served_from_the_wheel(demo: str) -> None:
    with httpx.Client(base_url=demo, trust_env=False, timeout=PATIENCE) as driver:
        first = driver.get("/")
        assert first.status_code == 200
        style = re.search(r'href="(/static/[^"]+\.css)"', first.text)
        assert style is not None
        assert driver.get(style[1]).status_code == 200
        for _ in range(PATIENCE):
            charger = driver.get("/c/7MK4T", headers={"Accept-Language": "de"})
            if charger.status_code != 503:  # on a busy machine the back office of the demo is asked in vain at first
                break
            time.sleep(1)
        assert charger.status_code == 200
        assert 'lang="de"' in charger.text


def test_the_lock_for_development_is_complete(environment: Environment) -> None:
    environment.install_lock(DEV)
    assert "No broken requirements" in environment.pip("check")
