"""The packages that pyproject.toml names are the folders that there are."""

from __future__ import annotations

import tomllib
from pathlib import Path

HOME = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def test_every_folder_with_modules_goes_into_the_wheel() -> None:
    on_disk = {".".join(path.parent.relative_to(HOME).parts) for path in (HOME / "kiosk").rglob("*.py")}
    assert sorted({*on_disk, *SETUPTOOLS["package-dir"]}) == sorted(SETUPTOOLS["packages"])


def test_folders_beside_the_package_exist() -> None:
    assert [folder for folder in SETUPTOOLS["package-dir"].values() if not (HOME / folder).is_dir()] == []
