"""What the files of the project import, read from their text: for the tests of the rooms, and for their picture."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HOME = Path(__file__).parent.parent
MODULES = sorted((HOME / "kiosk").rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_name(path: Path) -> str:
    parts = path.relative_to(HOME).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """`kiosk.web.shared.errors` is in web; the package itself is in no room."""
    return [*module.split("."), ""][1]


@cache
def imports(path: Path) -> frozenset[str]:
    """Every absolute module that the file imports, anywhere in it."""
    return frozenset(name for node in ast.walk(tree(path)) for name in _names(node))


def imports_at_start(path: Path) -> Iterator[str]:
    """What is imported when the file is: not in functions, not for the type checker alone."""
    waiting: list[ast.AST] = list(tree(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        yield from _names(node)
        waiting.extend(ast.iter_child_nodes(node))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        module = str(node.module)
        if module == "kiosk" or (module.startswith("kiosk.") and (HOME / module.replace(".", "/")).is_dir()):
            yield from (f"{module}.{alias.name}" for alias in node.names)
        else:
            yield module
