"""The main job: a page in, a report out; a file in, a document report out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from redactlib.classify import classify, find_events
from redactlib.detect.bracket import find_brackets
from redactlib.detect.code import find_codes
from redactlib.detect.handwriting import find_handwriting
from redactlib.detect.redaction import find_redactions, is_withheld_sheet, link_codes
from redactlib.detect.stamp import find_stamps
from redactlib.document import conclude
from redactlib.layers import separate
from redactlib.marks import Box, Bracket, Mark
from redactlib.reading import PageText, Reader, default_reader, read_page
from redactlib.report import DocumentReport, ImageInfo, PageReport, Source
from redactlib.scan import Scan, as_scan, open_scans, turn_box

Stage = Callable[[str], Any]
M = TypeVar("M", bound=Mark)


def analyze(
    source: Scan | np.ndarray | Image.Image | str | Path,
    *,
    reader: Reader | None = None,
    timer: Stage = lambda stage: nullcontext(),
) -> PageReport:
    """Read one page: what was redacted, stamped, coded, written and bracketed, and who declassified it when.

    Args:
        source: a scan, an array (grey or RGB, uint8), a Pillow image, or a file of one page.
        reader: what reads text; the neural reader by default, Tesseract where that cannot run.
        timer: called with the name of each stage, gives a context manager around it (for benchmarks).

    Raises:
        ScanError: the file cannot be read as a page.

    >>> page = np.full((1100, 850), 255, np.uint8)
    >>> analyze(page).declassification.status
    'unmarked'
    """
    scan = as_scan(source)
    reader = reader or default_reader()
    with timer("read"):
        text = read_page(scan.grey, reader)
        turn = text.quarter_turns
        upright = scan.upright(turn)
        if turn:
            text = text.turned(turn, scan.width, scan.height)
    with timer("layers"):
        layers = separate(upright)
    with timer("redactions"):
        redactions = find_redactions(upright, layers, text)
    with timer("stamps"):
        stamps = find_stamps(upright, layers, text, reader)
    with timer("codes"):
        codes = find_codes(upright, layers, text, reader, redactions)
    with timer("handwriting"):
        handwriting = find_handwriting(upright, layers, text, stamps)
    with timer("brackets"):
        brackets = find_brackets(upright, layers, text)
    with timer("conclude"):
        numbered = _number([*stamps, *codes, *redactions, *handwriting, *brackets])
        kinds = {kind: tuple(m for m in numbered if m.kind == kind) for kind in {m.kind for m in numbered}}
        redactions, codes = link_codes(kinds.get("redaction", ()), kinds.get("code", ()))
        linked = {m.id: m for m in (*redactions, *codes)}
        marks = tuple(_as_stored(linked.get(m.id, m), turn, scan) for m in numbered)
        events = find_events([m for m in marks if m.kind == "stamp"])
        declassification = classify(events, withheld=is_withheld_sheet(text))
    warnings = [*scan.warnings, *getattr(reader, "warnings", ())]
    if turn:
        warnings.append(f"the page lies on its side or head: read after {turn * 90} degrees counter-clockwise")
    return PageReport(
        source=Source(path=scan.path, page=scan.page, pages=scan.pages, sha256=scan.sha256),
        image=ImageInfo(
            width=scan.width, height=scan.height, dpi=scan.dpi, dpi_source=scan.dpi_source, skew_deg=scan.skew_deg
        ),
        declassification=declassification,
        events=events,
        marks=marks,
        warnings=tuple(warnings),
        picture=scan,
    )


def analyze_file(
    path: str | Path,
    *,
    dpi: float | None = None,
    pages: Sequence[int] | None = None,
    reader: Reader | None = None,
) -> DocumentReport:
    """Read every page of a file, or those of `pages` (from 1), and let them vote on what they share.

    Raises:
        ScanError: the file cannot be read; the message names it and the remedy.
    """
    reader = reader or default_reader()
    reports = [analyze(scan, reader=reader) for scan in open_scans(path, dpi=dpi, pages=pages)]
    return conclude(str(path), reports)


def _number(marks: Sequence[M]) -> list[M]:
    """Marks with ids of the page; a bracket's pair, known by the detector's id, is renamed with its partner."""
    names = {mark.id: f"m{i}" for i, mark in enumerate(marks, 1) if isinstance(mark, Bracket)}
    pairs = ({"pair": names.get(m.pair or "")} if isinstance(m, Bracket) else {} for m in marks)
    return [replace(m, id=f"m{i}", **pair) for i, (m, pair) in enumerate(zip(marks, pairs, strict=True), 1)]  # type: ignore[arg-type]


def _as_stored(mark: M, turn: int, scan: Scan) -> M:
    """A mark of the upright page on the page as stored."""
    if not turn:
        return replace(mark, box=_inside(mark.box, scan))
    wide, high = (scan.height, scan.width) if turn % 2 else (scan.width, scan.height)
    changes: dict[str, Any] = {"box": _inside(turn_box(mark.box, 4 - turn, wide, high), scan)}
    if getattr(mark, "polygon", ()):
        changes["polygon"] = tuple(turn_box((x, y, x, y), 4 - turn, wide, high)[:2] for x, y in mark.polygon)  # type: ignore[attr-defined]
    if hasattr(mark, "rotation_deg"):
        changes["rotation_deg"] = round((mark.rotation_deg - 90 * turn + 180) % 360 - 180, 1)
    if getattr(mark, "anchor", None):
        x, y = mark.anchor  # type: ignore[union-attr]
        changes["anchor"] = turn_box((x, y, x, y), 4 - turn, wide, high)[:2]
    return replace(mark, **changes)


def _inside(box: Box, scan: Scan) -> Box:
    x0, y0 = max(0, min(box[0], scan.width - 1)), max(0, min(box[1], scan.height - 1))
    return (x0, y0, max(x0 + 1, min(box[2], scan.width)), max(y0 + 1, min(box[3], scan.height)))


__all__ = ["PageText", "analyze", "analyze_file"]
