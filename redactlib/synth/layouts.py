"""The papers themselves, typed before anything happens to them: letters, memoranda, cables, reports, form sheets."""

from __future__ import annotations

import re

import numpy as np

from .canvas import Canvas
from .fonts import Fonts
from .pen import draw_hand
from .sheet import Sheet
from .wording import MONTHS, PLACES, fill, paragraph, person

LAST_YEAR = 1976
"""Drawn papers are older than this."""

LAYOUTS = (
    "letter",
    "draft",
    "memo",
    "cable",
    "report",
    "bulletin",
    "hearing",
    "print",
    "rif",
    "deleted-page",
    "withdrawal",
)


def lay_out(
    layout: str,
    *,
    dpi: int,
    rng: np.random.Generator,
    fonts: Fonts,
    heading: tuple[str, ...] | None = None,
    body: tuple[str, ...] | None = None,
    fill: float = 0.8,
    brackets: bool = False,
    before: int = LAST_YEAR,
) -> Sheet:
    """Types a paper.

    Args:
        layout: one of ``LAYOUTS``.
        heading, body: lines and paragraphs to use in place of drawn ones.
        fill: how far down the page the body goes.
        brackets: whether the typist uses square brackets here and there.
        before: the year that the paper is older than.

    Raises:
        ValueError: no such layout.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"no layout {layout!r}: give one of {', '.join(LAYOUTS)}")
    pitch = float(rng.choice([10, 12]))
    double = layout in ("draft", "hearing") or rng.random() < 0.15
    sheet = Sheet(
        canvas=Canvas(8.5, 11.0, dpi=dpi, rng=rng), rng=rng, fonts=fonts, hand=draw_hand(rng, fonts=fonts.hand),
        face=str(rng.choice(fonts.serif if layout == "print" else fonts.typewriter)), pitch=pitch,
        leading=(2 if double else 1) / 6, left=float(rng.uniform(0.9, 1.4)), right=float(rng.uniform(7.2, 7.7)),
        proportional=layout == "print", size_pt=float(rng.uniform(10.5, 12)),
    )  # fmt: skip
    if sheet.proportional:
        sheet.leading = sheet.size_pt / 72 * 1.25
    y = float(rng.uniform(1.0, 1.4))
    for line in heading if heading is not None else _heading(layout, rng, before):
        if line.startswith("Page ") and layout == "deleted-page":
            _sheet_line(sheet, line, y)
        elif line.startswith("^"):
            sheet.canvas.text(line[1:], (8.5 - 0.09 * len(line)) / 2, y, face=fonts.sans_bold[0], size_pt=11)
        else:
            sheet.type_line(line, sheet.left, y)
        y += 1 / 6
    y += 1 / 6
    if layout in ("rif", "deleted-page", "withdrawal"):
        return sheet
    limit = 11.0 * fill
    paragraphs = iter(body) if body is not None else None
    number = 0
    while y < limit:
        if paragraphs is None:
            text = paragraph(rng, sentences=int(rng.integers(1, 5)))
            if brackets and rng.random() < 0.5:
                text = _typed_brackets(text, rng)
        else:
            following = next(paragraphs, None)
            if following is None:
                break
            text = following
        number += 1
        text = f"{number}.  {text}" if layout in ("memo", "report") and body is None else text
        y = sheet.type_paragraph(text, y, until=limit, indent=0 if layout == "cable" else 5) + (
            0 if sheet.leading > 0.25 else 1 / 6
        )
    if layout == "hearing":
        _number_lines(sheet)
    return sheet


def _typed_brackets(text: str, rng: np.random.Generator) -> str:
    """Puts square brackets round a few words of a text, as a drafter does with wording not yet agreed."""
    words = text.split(" ")
    if len(words) < 10:
        return text
    start = int(rng.integers(1, len(words) - 6))
    stop = start + int(rng.integers(1, 5))
    words[start], words[stop] = "[" + words[start], words[stop] + "]"
    return " ".join(words)


def _sheet_line(sheet: Sheet, line: str, y: float) -> None:
    """A line of a deleted-page sheet: its page number, and the codes that it was withheld under, each a mark."""
    x = sheet.left
    for piece in line.split(" "):
        if re.match(r"b\d", piece):
            with sheet.canvas.mark("code", code=piece.strip(";")):
                sheet.type_line(piece.strip(";"), x, y)
        else:
            sheet.type_line(piece, x, y)
        x += (len(piece) + 1) / sheet.pitch


def _number_lines(sheet: Sheet) -> None:
    """The line numbers and the double rule of a reporter's transcript."""
    for n, y in enumerate(sorted({w.y for w in sheet.words}), 1):
        sheet.type_line(f"{n:2}", sheet.left - 0.55, y)
    for x in (sheet.left - 0.18, sheet.left - 0.13):
        sheet.canvas.rule(x, 0.3, x, 10.7, width_mm=0.2)


def _heading(layout: str, rng: np.random.Generator, before: int) -> list[str]:
    day = f"{rng.integers(1, 29)} {MONTHS[rng.integers(12)]} {rng.integers(1947, before)}"
    place = str(rng.choice(PLACES))
    if layout == "letter":
        return [
            f"^{rng.choice(['DEPARTMENT OF STATE', 'THE WHITE HOUSE', 'DEPARTMENT OF THE ARMY', 'AMERICAN EMBASSY'])}",
            "^WASHINGTON",
            "",
            day,
            "",
            f"Dear {person(rng)}:",
        ]
    if layout == "draft":
        return [f"Draft - {day}", "", f"Dear Mr. {fill('{name}', rng)}:"]
    if layout == "cable":
        number = rng.integers(100, 9000)
        return [
            f"FM AMEMBASSY {place.upper()}",
            "TO SECSTATE WASHDC PRIORITY",
            f"REF: {place.upper()} {number}",
            f"SUBJ: {fill('VISIT OF {name}', rng).upper()}",
            "",
        ]
    if layout in ("report", "bulletin", "print"):
        return [
            f"^{rng.choice(['CURRENT INTELLIGENCE BULLETIN', 'INFORMATION REPORT', 'FIELD SURVEY', 'WEEKLY SUMMARY'])}",
            "",
            f"COUNTRY   {place}",
            f"DATE      {day}",
            "",
        ]
    if layout == "rif":
        return [
            "^JFK ASSASSINATION SYSTEM",
            "^IDENTIFICATION FORM",
            "-" * 56,
            "AGENCY : CIA",
            f"RECORD NUMBER : 104-1{rng.integers(1000, 9999)}-1{rng.integers(1000, 9999)}",
            "RECORD SERIES : JFK",
            "",
            f"DOCUMENT DATE : {rng.integers(1, 13):02}/{rng.integers(1, 29):02}/"
            f"{rng.integers(min(1960, before - 1), before)}",
            f"PAGES : {rng.integers(1, 9)}",
            "CLASSIFICATION : UNCLASSIFIED",
            "RESTRICTIONS : OPEN IN FULL",
            "-" * 56,
        ]
    if layout == "hearing":
        return []
    if layout == "deleted-page":
        codes = [
            f"Page {n} ~ "
            + " ".join(f"{c};" for c in rng.choice(["b1", "b3", "b6", "b7C", "b7D", "b7E"], 2, replace=False))
            for n in sorted(rng.choice(np.arange(2, 60), 8, replace=False))
        ]
        return [
            "^FEDERAL BUREAU OF INVESTIGATION",
            "^FOI/PA",
            "^DELETED PAGE INFORMATION SHEET",
            "",
            f"FOI/PA# 12{rng.integers(10000, 99999)}-0",
            "",
            "Total Deleted Page(s) = 8",
            *codes,
        ]
    if layout == "withdrawal":
        return [
            "^WITHDRAWAL NOTICE",
            "",
            "RG: 59",
            f"Box: {rng.integers(1, 40):03}  Folder: {rng.integers(1, 20):03}  Document: {rng.integers(1, 9)}",
            "Series: CENTRAL FILES",
            "Copies: 1  Pages: 3",
            "",
            "ACCESS RESTRICTED",
            "",
            "The item identified below has been withdrawn from this file:",
            "",
            f"Date: {day}",
            f"From: {person(rng)}",
            f"To: {person(rng)}",
            "",
            "In the review of this file this item was removed because",
            "access to it is restricted.  Restrictions on records in the",
            "National Archives are stated in general and specific record",
            "group restriction statements which are available for",
            "examination.",
            "",
            f"NND: {rng.integers(700000, 990000)}",
        ]
    return [
        day,
        "",
        f"MEMORANDUM FOR:  {person(rng)}",
        f"SUBJECT       :  {fill('Conversation with {name} at {place}', rng)}",
    ]
