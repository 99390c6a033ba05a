"""Labels that the project adds to pages without any: sound, and never in the place of a page's own."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path

import cv2
import pytest

from redactlib.marks import ROLES
from redactlib.training.labels import KINDS, labels_of, pages_in

TABLE = importlib.resources.files("redactlib.training") / "labels.jsonl"
PAGES = [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]


def test_each_page_stands_once_and_its_marks_are_of_known_kinds() -> None:
    assert len(PAGES) == len({page["image"] for page in PAGES}) > 100
    for page in PAGES:
        for mark in page["marks"]:
            assert mark["kind"] in KINDS | {"ignore"}, page["image"]
            x0, y0, x1, y1 = mark["box"]
            assert 0 <= x0 < x1, page["image"]
            assert 0 <= y0 < y1, page["image"]
            assert mark["kind"] != "stamp" or mark["family"], page["image"]
            assert mark["kind"] != "handwriting" or mark["role"] in ROLES, page["image"]
            assert mark["kind"] != "bracket" or (
                mark["side"] in ("open", "close") and mark["form"] in ("drawn", "typed")
            )


def test_labels_beside_a_page_come_first(tmp_path: Path) -> None:
    page = tmp_path / PAGES[0]["image"]
    noted = labels_of(page)
    assert noted is not None
    assert not noted.whole
    assert len(noted.marks) == len(PAGES[0]["marks"])
    page.with_name(f"{page.stem}.truth.json").write_text(
        json.dumps({"marks": [{"kind": "redaction", "box": [0, 0, 9, 9]}]})
    )
    beside = labels_of(page)
    assert beside is not None
    assert beside.whole
    assert [m["kind"] for m in beside.marks] == ["redaction"]


@pytest.mark.real
def test_labels_lie_on_pages_of_the_scans(real_scans: Path) -> None:
    sizes = {}
    for path in pages_in(real_scans):
        if path.parent.name == "unlabelled":
            sizes[path.name] = path
    for page in PAGES[::12]:
        high, wide = cv2.imread(str(sizes[page["image"]]), cv2.IMREAD_GRAYSCALE).shape
        assert all(mark["box"][2] <= wide + 2 and mark["box"][3] <= high + 2 for mark in page["marks"]), page["image"]
