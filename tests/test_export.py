"""Other tools read what is exported: shapes, ids and units are those of their formats."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from redactlib.export import to_annotations, to_coco, write_csv
from redactlib.marks import Code, Redaction, Stamp
from redactlib.report import RECORD_FIELDS, ImageInfo, PageReport, Source


def page(number: int = 1) -> PageReport:
    corner = ((10, 20), (110, 20), (110, 70), (60, 70), (60, 40), (10, 40))
    return PageReport(
        source=Source(path="in/a page.pdf", page=number, pages=2, sha256="ab" * 32),
        image=ImageInfo(width=510, height=660, dpi=60),
        marks=(
            Stamp(id="m1", box=(50, 400, 300, 500), confidence=0.9, text="=HYPERLINK(1)", family="other-release"),
            Redaction(id="m2", box=(10, 20, 110, 70), confidence=0.8, style="solid", polygon=corner, codes=("m3",)),
            Code(id="m3", box=(120, 20, 150, 30), confidence=0.7, text="(b)(1)", code="(b)(1)"),
        ),
    )


def test_csv_has_a_row_a_mark_and_runs_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    write_csv([page(1), page(2)], path)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["page"] for row in rows] == ["1"] * 3 + ["2"] * 3
    assert tuple(rows[0]) == RECORD_FIELDS
    assert rows[0]["text"] == "'=HYPERLINK(1)"
    assert rows[1]["codes"] == "m3"
    assert [p.name for p in tmp_path.iterdir()] == ["marks.csv"]


def test_csv_without_reports_still_has_its_columns(tmp_path: Path) -> None:
    write_csv([], tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text().strip().split(",") == list(RECORD_FIELDS)


def test_coco_ids_are_unique_and_boxes_are_width_and_height() -> None:
    coco = json.loads(json.dumps(to_coco([page(1), page(2)])))
    assert [image["file_name"] for image in coco["images"]] == ["in/a page.pdf#page=1", "in/a page.pdf#page=2"]
    ids = [annotation["id"] for annotation in coco["annotations"]]
    assert len(set(ids)) == len(ids) == 6
    names = {category["id"]: category["name"] for category in coco["categories"]}
    redaction = coco["annotations"][1]
    assert names[redaction["category_id"]] == "redaction"
    assert redaction["bbox"] == [10, 20, 100, 50]
    assert len(redaction["segmentation"][0]) == 12
    assert {annotation["image_id"] for annotation in coco["annotations"]} == {1, 2}


@pytest.mark.parametrize("target", [None, "https://example.org/canvas/1"])
def test_annotations_select_the_box_on_their_target(target: str | None) -> None:
    found = json.loads(json.dumps(to_annotations(page(), target=target)))
    assert found["@context"] == "http://www.w3.org/ns/anno.jsonld"
    assert len({item["id"] for item in found["items"]}) == 3
    redaction = found["items"][1]
    assert redaction["target"]["source"] == (target or "in/a%20page.pdf")
    box, outline = redaction["target"]["selector"]
    assert box["value"] == "xywh=pixel:10,20,100,50"
    assert "60,40" in outline["value"]
    assert [body["value"] for body in found["items"][2]["body"]] == ["code", "(b)(1)", "(b)(1)"]
