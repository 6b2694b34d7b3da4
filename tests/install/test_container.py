"""The recipe for an image, read as a builder reads it: nothing secret comes in, and what comes out runs as nobody."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest

HOME = Path(__file__).parents[2]
RECIPE = (HOME / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
LINES = [line for line in RECIPE.splitlines() if line.strip() and not line.startswith("#")]
RULES = [
    line for line in (HOME / ".containerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
]


def stages() -> list[list[str]]:
    found: list[list[str]] = []
    for line in LINES:
        if line.startswith("FROM "):
            found.append([])
        found[-1].append(line)
    return found


def comes_in(path: str) -> bool:
    """The last rule that names the path, or a folder above it, decides; `**/` is any folder or none."""
    inside = True
    parts = PurePosixPath(path).parts
    names = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    for rule in RULES:
        pattern = rule.removeprefix("!")
        plain = pattern.removeprefix("**/")
        at_any_depth = plain != pattern
        hit = any(
            fnmatch(name, pattern) if not at_any_depth else fnmatch(name.rpartition("/")[2], plain)
            for name in names
            if at_any_depth or name.count("/") == pattern.count("/")
        )
        if hit:
            inside = rule.startswith("!")
    return inside


def copied(stage: list[str]) -> list[str]:
    """The sources that a stage takes from the checkout."""
    copies = [line.split()[1:] for line in stage if line.startswith(("COPY ", "ADD "))]
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def test_both_builders_leave_out_the_same() -> None:
    assert (HOME / ".containerignore").read_bytes() == (HOME / ".dockerignore").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.production",
        "kiosk.env",
        "kiosk.toml",
        "data/kiosk.db",
        "data/demo-8000/secret-key",
        ".git/config",
        ".venv/bin/python",
        "tests/conftest.py",
        "node_modules/x/index.js",
        "id_rsa",
        "docs/kiosk.env",
        "kiosk/.env",
        "kiosk/config/live.pem",
        "kiosk/store/kiosk.db-wal",
        "static/private.key",
        "kiosk/domain/__pycache__/money.cpython-311.pyc",
        "docs/screens/charging-en-light.png",
    ],
)
def test_no_secret_and_nothing_needless_comes_in(path: str) -> None:
    assert not comes_in(path)


def test_everything_that_is_copied_is_there_and_comes_in() -> None:
    sources = [source for stage in stages() for source in copied(stage)]
    assert sources
    for source in sources:
        assert source not in (".", "./", "*"), "the whole checkout is copied"
        assert (HOME / source).exists(), source
        assert comes_in(source), source


def test_what_the_package_is_made_of_is_copied() -> None:
    """Each folder that `pyproject.toml` takes files from, and the files that it names."""
    project = (HOME / "pyproject.toml").read_text(encoding="utf-8")
    folders = set(re.findall(r'^"kiosk\._\w+" = "(\w+)"$', project, re.M)) | {"kiosk"}
    files = set(re.findall(r'^readme = "(.+)"$', project, re.M)) | {"LICENSE", "pyproject.toml"}
    assert folders | files <= set(copied(stages()[0]))
    assert comes_in("docs/kiosk.example.toml")


def test_the_image_is_made_in_stages_and_the_last_one_has_no_source() -> None:
    first, *_between, last = stages()
    assert first[0].endswith(" AS build")
    assert set(copied(last)) == {"wsgi.py", "gunicorn.conf.py"}
    assert not [line for line in last if "pip install" in line]


def test_it_does_not_run_as_root() -> None:
    users = [line.split()[1] for line in stages()[-1] if line.startswith("USER ")]
    assert users
    assert users[-1].isdigit(), "a number, so that an orchestrator can tell that it is not root"
    assert int(users[-1]) > 0


def test_it_says_how_it_is() -> None:
    (check,) = [line for line in stages()[-1] if line.startswith("HEALTHCHECK ")]
    assert "/healthz" in check
    assert re.search(r"--timeout=\d+s", check)


def test_it_listens_where_a_container_must_and_keeps_its_data_in_the_volume() -> None:
    last = "\n".join(stages()[-1])
    assert "KIOSK_BIND=0.0.0.0" in last
    assert "KIOSK_DATA_DIR=/var/lib/kiosk" in last
    assert "VOLUME /var/lib/kiosk" in last
    assert "SECRET" not in RECIPE


def test_only_locked_packages_are_installed() -> None:
    installs = [line for line in LINES if "pip install" in line]
    assert all("--no-deps" in line for line in installs)
    assert "--require-hashes -r requirements.lock" in installs[0]
