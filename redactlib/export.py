"""Reports in the forms of other tools: CSV, COCO for detectors, W3C Web Annotations for IIIF viewers."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redactlib.marks import Mark, Point, area
from redactlib.plain import KINDS
from redactlib.report import RECORD_FIELDS, DocumentReport, PageReport, label


def write_csv(reports: Iterable[DocumentReport | PageReport], path: str | Path) -> None:
    """Write one row a mark, with the columns of :data:`redactlib.report.RECORD_FIELDS`.

    A text that a spreadsheet would run as a formula is written with an apostrophe before it. The file appears under
    its name when it is whole.
    """
    part = Path(f"{path}.part")
    with open(part, "w", encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.DictWriter(file, RECORD_FIELDS)
        rows.writeheader()
        for report in reports:
            rows.writerows({k: _no_formula(v) for k, v in row.items()} for row in report.to_records())
    os.replace(part, path)


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def to_coco(pages: Iterable[PageReport]) -> dict[str, Any]:
    """Pages and their marks in the form of the COCO detection data sets (Lin et al. 2014).

    A category a kind of mark; what the kind says more closely is in ``attributes``. A page of a file of several pages
    is named ``file.pdf#page=3``.
    """
    categories = {kind: number for number, kind in enumerate(KINDS, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for page in pages:
        many = f"#page={page.source.page}" if page.source.pages > 1 else ""
        image = {"id": len(images) + 1, "file_name": f"{page.source.path or 'image'}{many}"}
        images.append(image | {"width": page.image.width, "height": page.image.height})
        for mark in page.marks:
            x0, y0, x1, y1 = map(int, mark.box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": categories[mark.kind],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": area((x0, y0, x1, y1)),
                    "segmentation": [[int(v) for point in _outline(mark) for v in point]],
                    "iscrowd": 0,
                    "score": float(mark.confidence),
                    "attributes": {"mark": mark.id, "label": label(mark)},
                }
            )
    named = [{"id": number, "name": kind, "supercategory": "mark"} for kind, number in categories.items()]
    return {"images": images, "categories": named, "annotations": annotations}


def to_annotations(page: PageReport, *, target: str | None = None) -> dict[str, Any]:
    """A page's marks as a W3C Web Annotation page, which IIIF viewers and annotation servers read.

    Args:
        target: IRI of the image or IIIF canvas that the marks lie on, of the size of the scan; the file's path without.
    """
    target = target or quote(page.source.path or "image")
    name = f"urn:redactlib:{page.source.sha256[:16] or 'image'}:{page.source.page}"
    return {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "id": name,
        "type": "AnnotationPage",
        "items": [_annotation(mark, target, f"{name}:{quote(mark.id)}") for mark in page.marks],
    }


def _annotation(mark: Mark, target: str, name: str) -> dict[str, Any]:
    tags = dict.fromkeys((mark.kind, label(mark)))
    body = [{"type": "TextualBody", "purpose": "tagging", "value": tag} for tag in tags]
    if mark.text:
        body.append({"type": "TextualBody", "purpose": "describing", "format": "text/plain", "value": mark.text})
    x0, y0, x1, y1 = map(int, mark.box)
    fragment = f"xywh=pixel:{x0},{y0},{x1 - x0},{y1 - y0}"
    form = "http://www.w3.org/TR/media-frags/"
    where = [{"type": "FragmentSelector", "conformsTo": form, "value": fragment}]
    if getattr(mark, "polygon", ()):
        points = " ".join(f"{int(x)},{int(y)}" for x, y in _outline(mark))
        svg = f'<svg xmlns="http://www.w3.org/2000/svg"><polygon points="{points}"/></svg>'
        where.append({"type": "SvgSelector", "value": svg})
    return {
        "id": name,
        "type": "Annotation",
        "motivation": "tagging",
        "body": body,
        "target": {"source": target, "selector": where},
    }


def _outline(mark: Mark) -> tuple[Point, ...]:
    x0, y0, x1, y1 = mark.box
    return getattr(mark, "polygon", ()) or ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
