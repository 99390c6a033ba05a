"""Imports follow the arrow: a module uses only what comes before it, and heavy packages stay where they belong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "redactlib"

# A module may import from its own line and those above; a package stands for its modules. What a module imports inside
# a function, when it is called, is not bound: that is how a report shows itself without loading matplotlib.
STAGES = (
    ("errors", "marks"),
    ("pdf", "scan", "layers", "decoding", "reading", "dates", "datelines", "catalogue", "symbols", "ticks", "forms"),
    ("detect",),
    ("edits", "explain", "plain", "report"),
    ("classify", "document"),
    ("pipeline",),
    ("evaluate", "export", "compare", "webpage", "display", "batch", "benchmark"),
    ("synth", "training"),
    ("cli", "__main__", ""),
)
ONLY_IN = {
    "matplotlib": {"display"},
    "torch": {"training"},
    "pypdfium2": {"pdf"},
    "onnx": {"reading", "training"},
    "pandas": set(),
    "fitz": set(),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def stage_name(path: Path) -> str:
    """First part of a module's name inside the package; the empty name for the package's own ``__init__``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts == ("__init__",) else parts[0]


def imports(path: Path, *, deferred: bool) -> Iterator[str]:
    """Names of the modules that are imported: when the module is loaded, or all of them."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = list(ast.walk(tree))
    if not deferred:
        nodes, queue = [], list(tree.body)
        while queue:
            node = queue.pop()
            is_typing = isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
            if is_typing or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            nodes.append(node)
            queue += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ("redactlib", *path.relative_to(PACKAGE).parts)[: -node.level] if node.level else ()
            yield from (".".join((*base, *filter(None, (node.module, alias.name)))) for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_follow_the_arrow(path: Path) -> None:
    rank = {name: number for number, names in enumerate(STAGES) for name in names}
    own = stage_name(path)
    assert own in rank, f"{own} is new: give it its place in STAGES"
    for name in imports(path, deferred=False):
        first, _, rest = name.partition(".")
        used = rest.split(".")[0]
        if first == "redactlib" and used in rank:
            assert rank[used] <= rank[own], f"{own} imports {used}, which comes after it"


@pytest.mark.parametrize("package", ONLY_IN)
def test_heavy_packages_stay_where_they_belong(package: str) -> None:
    users = {
        stage_name(path) for path in modules() if package in {n.split(".")[0] for n in imports(path, deferred=True)}
    }
    users -= {"explain", "report"} if package == "matplotlib" else set()  # for the names of its types only
    assert users <= ONLY_IN[package]


def test_matplotlib_is_not_loaded_to_make_a_report() -> None:
    for path in modules():
        if stage_name(path) != "display":
            assert not any(name.startswith("matplotlib") for name in imports(path, deferred=False))
