"""The main job: a page in, a report out; a file in, a document report out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from redactlib.catalogue.exemptions import check_validity
from redactlib.classify import classify, find_events
from redactlib.detect.bracket import find_brackets
from redactlib.detect.code import find_codes
from redactlib.detect.handwriting import find_handwriting
from redactlib.detect.redaction import find_redactions, is_withheld_sheet, link_codes
from redactlib.detect.stamp import find_stamps
from redactlib.document import conclude
from redactlib.layers import separate
from redactlib.marks import Box, Bracket, Code, Handwriting, Mark, Point, Redaction, Stamp, area, intersection
from redactlib.reading import PageText, Reader, default_reader, read_page
from redactlib.report import DocumentReport, ImageInfo, PageReport, Source
from redactlib.scan import Scan, as_scan, open_scans, turn_box

Stage = Callable[[str], AbstractContextManager[None]]
"""Called with a stage's name, gives what is entered while the stage runs."""


def analyze(
    source: Scan | np.ndarray | Image.Image | str | Path,
    *,
    reader: Reader | None = None,
    reveal: bool = False,
    timer: Stage = lambda stage: nullcontext(),
) -> PageReport:
    """Read one page: what was redacted, stamped, coded, written and bracketed, and who declassified it when.

    Args:
        source: a scan, an array (grey or RGB, uint8), a Pillow image, or a file of one page.
        reader: what reads text; the neural reader by default, Tesseract where that cannot run.
        reveal: give the text that lies under vector boxes of a PDF. Off by default: who covered it meant to withhold
            it, and a name that slips out cannot be called back. How many characters lie there is always said.
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
        redactions = find_redactions(upright, layers, text, reveal=reveal)
    with timer("stamps"):
        stamps = find_stamps(upright, layers, text, reader)
    with timer("codes"):
        codes = find_codes(upright, layers, text, reader, redactions)
    with timer("brackets"):
        brackets = find_brackets(upright, layers, text, reader=reader)
    with timer("handwriting"):
        handwriting = find_handwriting(upright, layers, text, stamps, brackets, redactions, reader=reader)
    with timer("conclude"):
        marks = _put_together(stamps, codes, redactions, handwriting, brackets)
        marks = tuple(_as_stored(mark, turn, scan) for mark in marks)
        events = find_events([mark for mark in marks if isinstance(mark, Stamp)])
        declassification = classify(events, withheld=is_withheld_sheet(text))
        doubts = {m.code: check_validity(m, declassification.date) for m in marks if isinstance(m, Code)}
    warnings = [*scan.warnings, *getattr(reader, "warnings", ())]
    warnings += [f"code {code}: {doubt}" for code, doubt in doubts.items() if doubt]
    if turn:
        warnings.append(f"the page lies on its side or head: read after {turn * 90} degrees counter-clockwise")
    return PageReport(
        source=Source(path=scan.path, page=scan.page, pages=scan.pages, sha256=scan.sha256),
        image=ImageInfo(
            width=scan.width, height=scan.height, dpi=scan.dpi, dpi_source=scan.dpi_source, skew_deg=upright.skew_deg
        ),
        declassification=declassification,
        events=events,
        marks=marks,
        warnings=tuple(warnings),
        text_chars=_text_chars(text, [*stamps, *codes, *handwriting]),
        picture=scan,
    )


def analyze_file(
    path: str | Path,
    *,
    dpi: float | None = None,
    pages: Sequence[int] | None = None,
    reader: Reader | None = None,
    reveal: bool = False,
) -> DocumentReport:
    """Read every page of a file, or those of `pages` (from 1), and let them vote on what they share.

    Arguments are those of :func:`analyze`.

    Raises:
        ScanError: the file cannot be read; the message names it and the remedy.
    """
    reader = reader or default_reader()
    reports = [analyze(scan, reader=reader, reveal=reveal) for scan in open_scans(path, dpi=dpi, pages=pages)]
    return conclude(str(path), reports)


def _text_chars(text: PageText, added: Sequence[Mark]) -> int:
    """Characters of the document's own text: what is read outside the marks that were added to it."""
    own = (t for t in text.lines if not any(intersection(t.box, mark.box) > 0.5 * area(t.box) for mark in added))
    return sum(len(t.text) for t in own)


def _put_together(
    stamps: Sequence[Stamp],
    codes: Sequence[Code],
    redactions: Sequence[Redaction],
    handwriting: Sequence[Handwriting],
    brackets: Sequence[Bracket],
) -> tuple[Mark, ...]:
    """All marks of a page with their ids, a bracket's partner by its new one; codes and redactions are linked."""
    ids = (f"m{i}" for i in count(1))
    stamps = [replace(mark, id=next(ids)) for mark in stamps]
    codes = [replace(mark, id=next(ids)) for mark in codes]
    redactions = [replace(mark, id=next(ids)) for mark in redactions]
    handwriting = [replace(mark, id=next(ids)) for mark in handwriting]
    named = {mark.id: next(ids) for mark in brackets}
    brackets = [replace(mark, id=named[mark.id], pair=named.get(mark.pair or "")) for mark in brackets]
    linked_redactions, linked_codes = link_codes(redactions, codes)
    return (*stamps, *linked_codes, *linked_redactions, *handwriting, *brackets)


def _as_stored(mark: Mark, turn: int, scan: Scan) -> Mark:
    """A mark of the upright page on the page as stored."""
    if not turn:
        return replace(mark, box=_inside(mark.box, scan))
    wide, high = (scan.height, scan.width) if turn % 2 else (scan.width, scan.height)

    def back(point: Point) -> Point:
        return turn_box((*point, *point), 4 - turn, wide, high)[:2]

    box = _inside(turn_box(mark.box, 4 - turn, wide, high), scan)
    if isinstance(mark, Redaction):
        return replace(mark, box=box, polygon=tuple(back(point) for point in mark.polygon))
    if isinstance(mark, Stamp | Code):
        return replace(mark, box=box, rotation_deg=round((mark.rotation_deg - 90 * turn + 180) % 360 - 180, 1))
    if isinstance(mark, Handwriting):
        return replace(mark, box=box, anchor=back(mark.anchor) if mark.anchor else None)
    return replace(mark, box=box)


def _inside(box: Box, scan: Scan) -> Box:
    x0, y0 = max(0, min(box[0], scan.width - 1)), max(0, min(box[1], scan.height - 1))
    return (x0, y0, max(x0 + 1, min(box[2], scan.width)), max(y0 + 1, min(box[3], scan.height)))
