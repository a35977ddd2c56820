"""The page on the architecture names what there is: each function and each room."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLATFORM = ROOT / "platform" / "taxiway"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
# A module below the platform, a name in it, and perhaps a method: lake/lake.Lake.publish.
NAMES = re.findall(r"`((?:[a-z_]+/)?[a-z_]+)\.([A-Za-z_]+)(?:\.([a-z_]+))?`", PAGE)


def defined(nodes: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """What functions and classes there are, each with what is in it."""
    return {node.name: node.body for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_every_name_on_the_page_is_there():
    named = [name for name in NAMES if name[1] not in ("toml", "py", "md", "open")]
    assert len(named) > 40
    missing = []
    for module, name, method in named:
        file = PLATFORM / f"{module}.py"
        inside = defined(ast.parse(file.read_text(encoding="utf-8")).body) if file.is_file() else {}
        if name not in inside or (method and method not in defined(inside[name])):
            missing.append(".".join(filter(None, (module, name, method))))
    assert missing == []


def test_every_room_is_on_the_page():
    rooms = [file.parent.name for file in PLATFORM.glob("*/__init__.py")]
    assert [room for room in rooms if f"| `{room}` |" not in PAGE] == []
