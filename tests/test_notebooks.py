"""The notebooks run on the drawn pages as they are, and are stored without output."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_output(path: Path) -> None:
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))

    def outputs(name: str) -> dict[str, str]:
        """What the cells of a notebook show, by type."""
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
        shown: dict[str, str] = {}
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                data = output.get("data", {"stdout": output.get("text", "")})
                for kind, part in data.items():
                    shown[kind] = shown.get(kind, "") + part
        return shown

    return outputs


def test_first_page_shows_the_page_and_explains_the_answer(run: Any) -> None:
    shown = run("first_page")
    assert "<svg" in shown["text/html"]
    assert "data:image/png;base64," in shown["text/html"]
    assert "released · CIA · 2004-02-17" in shown["stdout"]
    assert "event e1" in shown["stdout"]
    assert "{==[" in shown["stdout"], "the bracketed words of the draft letter"
    assert "image/png" in shown


def test_whole_folder_reads_every_page_and_judges_the_answers(run: Any) -> None:
    shown = run("a_whole_folder")
    pages = len(sorted((ROOT / "fixtures").glob("*.png"))[::3])
    assert f"{pages} pages read, 0 could not be" in shown["stdout"]
    assert "headline" in shown["text/html"]
    assert "image/png" in shown
