"""The documentation knows every setting and command, and nothing that does not exist."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from kiosk.command.cli import parser
from kiosk.config.settings import Settings, variable

HOME = Path(__file__).parent.parent
SETTINGS = (HOME / "docs" / "settings.md").read_text(encoding="utf-8")
DOCS = [HOME / "README.md", *sorted((HOME / "docs").glob("*.md"))]
VARIABLES = {variable(field) for field in Settings.model_fields}


def rows() -> dict[str, list[str]]:
    """The tables of settings.md: first cell without ticks, then the others."""
    cells = [line.strip("|").split(" | ") for line in SETTINGS.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in cells}


def commands() -> dict[str, argparse.ArgumentParser]:
    (choices,) = [action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(choices)


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_setting_is_documented(name: str) -> None:
    assert rows()[name][-1].endswith("."), "a sentence is missing"


def test_every_documented_setting_exists() -> None:
    documented = {name for name in rows() if not name.startswith("kiosk ")}
    assert documented == VARIABLES


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_page_names_a_setting_that_does_not_exist(path: Path) -> None:
    named = set(re.findall(r"\bKIOSK_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    assert named <= VARIABLES


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_a_documented_default_is_the_real_one(field: str) -> None:
    default = Settings.model_fields[field].get_default()
    shown = rows()[variable(field)]
    if isinstance(default, int | str) or default.__class__.__name__ == "PosixPath":
        assert shown[0] == f"`{default}`"


@pytest.mark.parametrize("name", sorted(commands()))
def test_a_command_is_documented(name: str) -> None:
    assert f"`kiosk {name}`" in SETTINGS


def test_every_documented_command_exists() -> None:
    documented = {name.removeprefix("kiosk ") for name in rows() if name.startswith("kiosk ")}
    assert documented == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_an_option_is_documented(name: str) -> None:
    options = {text for action in commands()[name]._actions for text in action.option_strings} - {"-h", "--help"}
    assert {option for option in options if option not in rows()[f"kiosk {name}"][-1]} == set()


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_link_inside_the_documentation_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing
