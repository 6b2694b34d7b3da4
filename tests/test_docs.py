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
DOCS = [HOME / "README.md", HOME / "CONTRIBUTING.md", *sorted((HOME / "docs").rglob("*.md"))]
TEXTS = [
    *(HOME / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml")),
    *(
        path
        for folder in ("kiosk", "templates", "static", "docs", "tests", "benchmarks", "scripts")
        for path in sorted((HOME / folder).rglob("*"))
        if path.suffix in {".py", ".html", ".js", ".css", ".md", ".toml", ".po", ""} and path.is_file()
    ),
]
RULE = re.compile(r"\b(?:EU|CL|R|DE|UK|US|CH|PCI|A|Q|K|P)-[0-9]{2}[a-z]?\b")
FOLDERS = ("kiosk", "templates", "static", "docs", "tests", "benchmarks", "scripts", r"\.ci")
NAMED = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[^`\s]*)`")
"""A file or folder of the project in ticks. One with a `<` in it is a pattern, and one with a space a command."""
VARIABLES = {variable(field) for field in Settings.model_fields}


def short(path: Path) -> str:
    return str(path.relative_to(HOME))


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


@pytest.mark.parametrize("path", DOCS, ids=short)
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


@pytest.mark.parametrize("path", DOCS, ids=short)
def test_a_link_inside_the_documentation_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("path", DOCS, ids=short)
def test_a_file_that_the_documentation_names_exists(path: Path) -> None:
    named = [name for name in NAMED.findall(path.read_text(encoding="utf-8")) if "<" not in name]
    assert [name for name in named if not list(HOME.glob(name))] == []


def test_every_script_is_in_the_guide_for_contributors() -> None:
    scripts = {f"scripts/{path.name}" for path in (HOME / "scripts").iterdir() if not path.name.startswith("_")}
    guide = (HOME / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {script for script in scripts if f"| `{script}` |" not in guide} == set()


@pytest.mark.parametrize("path", DOCS, ids=short)
def test_a_script_that_the_documentation_names_exists(path: Path) -> None:
    named = set(re.findall(r"\bscripts/([a-z_]+)", path.read_text(encoding="utf-8")))
    assert {name for name in named if not (HOME / "scripts" / name).is_file()} == set()


def test_every_rule_that_is_cited_is_listed() -> None:
    listed = set(re.findall(rf"^- \*\*({RULE.pattern})\*\*", (HOME / "docs" / "rules.md").read_text("utf-8"), re.M))
    cited = {(rule, short(path)) for path in TEXTS for rule in RULE.findall(path.read_text(encoding="utf-8"))}
    assert ("CH-07", "kiosk/domain/limits.py") in cited
    assert {(rule, where) for rule, where in cited if rule not in listed} == set()


def test_every_decision_is_listed_with_its_title() -> None:
    folder = HOME / "docs" / "decisions"
    listed = dict(re.findall(r"^- \[(.+)\]\((\d{4}-[a-z-]+\.md)\)$", (folder / "README.md").read_text("utf-8"), re.M))
    titles = {
        path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "): path.name for path in folder.glob("0*")
    }
    assert listed == titles


@pytest.mark.parametrize("path", sorted((HOME / "docs" / "decisions").glob("0*")), ids=short)
def test_a_decision_says_why_what_follows_and_when_to_think_again(path: Path) -> None:
    headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.M)
    assert headings == ["Context", "Decision", "Consequences", "When to think again"]
