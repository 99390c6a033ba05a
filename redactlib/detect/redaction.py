"""Redactions: what was removed or covered, how, and how much it hides.

Proposals (:mod:`redactlib.detect.proposal`) are judged against what is printed in and around them: a frame that holds
legible words is a frame, one that holds nothing but an exemption code is a redaction.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from redactlib.detect.proposal import Proposal, ProposalSettings, propose
from redactlib.layers import Layers
from redactlib.marks import Box, Redaction, area, intersection
from redactlib.reading import PageText
from redactlib.scan import Scan

RELEASE_LINE = re.compile(r"(?i)approved\s*for\s*release|for\s*release:?\s*\d|sanitized\s*copy")
"""Lines that are laid over a page with a white ground, and so hide the edges of boxes below."""

CODE = re.compile(
    r"(?ix) ^[\W_]*( \(?b\)?\s?\(?\d | [1-9]\.[1-9]\W?[a-z(c] | \d\d?[.,]\d\W{0,3}\d?\W?[a-z]?\b | 25\s?x | b\d | p\d\b | oga | stat\b"
    r" | jfk\s?act | nlr | exempt | \(?[a-k]\)? ) "
)
"""How the text of a box begins that holds nothing but an exemption code."""


@dataclass(frozen=True)
class RedactionSettings:
    """What a redaction measures on paper and how it looks."""

    edge_mm: float = 1.0  # what touches the scan's edge is copier black
    words_min: int = 3  # letters that can be read inside: then nothing was removed
    read_min: float = 0.6  # confidence of reading them
    overshoot_max: int = 3  # sides that run on beyond the corners: a table
    inside_max: float = 0.02  # share of ink in an empty box: dust
    rectangular_min: float = 0.88
    even_min: float = 0.65  # share of a fill that has its median tone
    fill_width_min_mm: float = 3.2
    upright_max: float = 2.5  # height over width; covered text is wider than high
    marker_height_mm: tuple[float, float] = (3.2, 10.0)  # one line, carelessly
    marker_width_min_mm: float = 8.0
    marker_aspect_min: float = 1.5
    marker_density_min: float = 0.45
    marker_closed_min: float = 0.78
    marker_core_min: float = 0.5


def propose_redactions(
    scan: Scan, layers: Layers | None, text: PageText, *, settings: RedactionSettings = RedactionSettings()
) -> list[Proposal]:
    """Everything that might be a redaction, each with the reason why it is none, or ``None`` where it stands."""
    inset = round(scan.mm(0.4))  # text boxes are wider than the ground that the line stands on
    labels = [
        (b[0] + inset, b[1] + inset, b[2] - inset, b[3] - inset)
        for b in (line.box for line in text.lines if RELEASE_LINE.search(line.text))
    ]
    proposals = propose(scan, labels)
    judged = [replace(p, reason=_reason(p, scan, text, settings)) for p in proposals]
    return _without_doubles(judged)


def find_redactions(
    scan: Scan, layers: Layers | None, text: PageText, *, settings: RedactionSettings = RedactionSettings()
) -> tuple[Redaction, ...]:
    """The page's redactions, top to bottom."""
    stand = [p for p in propose_redactions(scan, layers, text, settings=settings) if p.reason is None]
    return tuple(
        Redaction(
            box=p.box, style=p.style, polygon=p.polygon, confidence=round(min(1.0, p.score), 3), evidence=p.evidence
        )
        for p in sorted(stand, key=lambda p: (p.box[1], p.box[0]))
    )


def _inner_text(box: Box, text: PageText) -> list[tuple[str, float]]:
    """What is read inside a box: the characters of each line that stand in it, and how sure the reading is."""
    found = []
    for line in text.lines:
        x0, y0, x1, y1 = line.box
        middle = (y0 + y1) / 2
        if RELEASE_LINE.search(line.text) or abs(line.rotation_deg) > 30 or not box[1] < middle < box[3]:
            continue
        inside = [
            c for c, at in zip(line.text, line.reading.centres, strict=False) if box[0] < x0 + at * (x1 - x0) < box[2]
        ]
        if inside:
            found.append(("".join(inside).strip(), line.confidence))
    return found


def _reason(p: Proposal, scan: Scan, text: PageText, settings: RedactionSettings) -> str | None:
    """Why a proposal is no redaction; ``None`` when it is one."""
    judge = {"outlined": _outlined_reason, "marker": _marker_reason}.get(p.style, _fill_reason)
    return judge(p, scan, text, settings)


def _outlined_reason(p: Proposal, scan: Scan, text: PageText, settings: RedactionSettings) -> str | None:
    inner = [(s, c) for s, c in _inner_text(p.box, text) if s]
    words = [s for s, c in inner if c > settings.read_min and not CODE.match(s)]
    coded = bool(inner) and not words
    if sum(ch.isalpha() for s in words for ch in s) >= settings.words_min:
        return "legible text inside"
    if not coded and p.evidence["overshoot"] > settings.overshoot_max:
        return "table cell"
    x0, y0, x1, y1 = p.box
    m = round(scan.mm(0.8))
    patch = scan.ink[y0 + m : y1 - m, x0 + m : x1 - m].copy()
    for line in text.lines:
        if RELEASE_LINE.search(line.text) or coded:
            a0, b0, a1, b1 = line.box
            patch[max(0, b0 - y0 - m) : max(0, b1 - y0 - m), max(0, a0 - x0 - m) : max(0, a1 - x0 - m)] = False
    p.evidence["inside"] = float(patch.mean()) if patch.size else 0.0
    if p.evidence["inside"] > settings.inside_max:
        return "not empty"
    return None


def _fill_reason(p: Proposal, scan: Scan, text: PageText, settings: RedactionSettings) -> str | None:
    x0, y0, x1, y1 = p.box
    edge = scan.mm(settings.edge_mm)
    if x0 < edge or y0 < edge or x1 > scan.width - edge or y1 > scan.height - edge:
        return "edge of the scan"
    if x1 - x0 < scan.mm(settings.fill_width_min_mm):
        return "too narrow"
    if y1 - y0 > settings.upright_max * (x1 - x0):
        return "upright bar"
    if p.evidence["rectangular"] < settings.rectangular_min:
        return "not straight"
    if p.evidence["even"] < settings.even_min:
        return "picture"
    words = [s for s, c in _inner_text(p.box, text) if c > settings.read_min and not CODE.match(s)]
    if sum(ch.isalpha() for s in words for ch in s) >= 3 * settings.words_min:
        return "legible text inside"
    return None


def _marker_reason(p: Proposal, scan: Scan, text: PageText, settings: RedactionSettings) -> str | None:
    x0, y0, x1, y1 = p.box
    w, h, edge = x1 - x0, y1 - y0, scan.mm(settings.edge_mm)
    if x0 < edge or y0 < edge or x1 > scan.width - edge or y1 > scan.height - edge:
        return "edge of the scan"
    low, high = (scan.mm(v) for v in settings.marker_height_mm)
    if not low <= h <= high:
        return "no line of type"
    if w < scan.mm(settings.marker_width_min_mm) or w < settings.marker_aspect_min * h:
        return "too narrow"
    if p.evidence["density"] < settings.marker_density_min or p.evidence["closed"] < settings.marker_closed_min:
        return "too light"
    if p.evidence["core"] < settings.marker_core_min:
        return "lettering"
    if y0 < 0.08 * scan.height or y1 > 0.9 * scan.height:
        return "banner zone"
    return None


def _without_doubles(judged: Sequence[Proposal]) -> list[Proposal]:
    """One proposal stands for each place: a fill before a frame before a stroke."""
    rank = {"solid": 0, "shaded": 1, "outlined": 2, "marker": 3}
    order = sorted(range(len(judged)), key=lambda i: (rank[judged[i].style], -area(judged[i].box)))
    kept: list[Proposal] = []
    out = list(judged)
    for i in order:
        p = judged[i]
        if p.reason is not None:
            continue
        if any(intersection(p.box, k.box) > 0.5 * min(area(p.box), area(k.box)) for k in kept):
            out[i] = replace(p, reason="same place")
            continue
        kept.append(p)
    return out
