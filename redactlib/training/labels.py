"""What is known of a page: the labels beside it, or those of pages that came without any.

``labels.jsonl`` holds marks of pages of ``scans/unlabelled``, boxed and read by eye: a page a line, in the form of the
truth files, but stamps, handwriting and brackets only, and ``ignore`` where an eye could not decide.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

KINDS = frozenset({"stamp", "handwriting", "bracket"})
"""The kinds of marks that ``labels.jsonl`` knows; of others its pages say nothing."""


@dataclass(frozen=True)
class Labels:
    """The labelled marks of one page, and whether those of every kind are known."""

    marks: tuple[dict[str, Any], ...]
    whole: bool


def labels_of(page: Path) -> Labels | None:
    """Labels of a page image, or ``None`` where nobody has looked at it.

    >>> labels_of(Path("no/such/page.png")) is None
    True
    """
    beside = page.with_name(f"{page.stem}.truth.json")
    if beside.is_file():
        return Labels(tuple(json.loads(beside.read_text(encoding="utf-8"))["marks"]), whole=True)
    marks = _noted().get(page.name)
    return None if marks is None else Labels(marks, whole=False)


def document_of(path: str | Path) -> str:
    """The document that a page belongs to, by its name; the releases of one record of the JFK collection are one.

    >>> document_of("jfk2025__124-10180-10295_p2.png"), document_of("jfk_releases__Release_2023_124-10180-10295_p2.png")
    ('124-10180-10295', '124-10180-10295')
    >>> document_of("warufo__055fbi_serial_844_detroit_1958_p-01.jpg")
    '055fbi_serial_844_detroit_1958'
    """
    stem = Path(path).name.rsplit(".", 1)[0].split("__")[-1]
    record = _RECORD.search(stem)
    return record[0] if record else _PAGE.sub("", stem)


_RECORD = re.compile(r"\d{3}-\d{5}-\d{5}")
_PAGE = re.compile(r"_p(?:age)?[-_]?\d+$")


def pages_in(scans: Path) -> list[Path]:
    """The page images of ``scans/labelled`` and ``scans/unlabelled``, in the order of their names."""
    return sorted(p for d in ("labelled", "unlabelled") for p in (scans / d).glob("*") if p.suffix in (".png", ".jpg"))


@cache
def _noted() -> dict[str, tuple[dict[str, Any], ...]]:
    lines = (importlib.resources.files("redactlib.training") / "labels.jsonl").read_text(encoding="utf-8")
    return {page["image"]: tuple(page["marks"]) for page in map(json.loads, lines.splitlines())}
