"""What can stand on a page: stamps, codes, redactions, handwriting, brackets, and the events they tell of.

Every mark is a frozen value. Boxes are ``(x0, y0, x1, y1)``: integers, pixels of the page image as stored, origin top
left, y down, half-open. An unknown is ``None``. Detectors leave ``id`` empty; :func:`redactlib.analyze` numbers them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

Box = tuple[int, int, int, int]
Point = tuple[int, int]

DECISIVE = frozenset({"declassified", "released", "released_in_part", "sanitized"})
"""Decisions that open a page: the latest of them gives the page its authority and date."""

REVIEW = frozenset({"no_objection", "reviewed"})
"""Decisions that count only where no decisive one stands on the page."""

DECISIONS = DECISIVE | REVIEW | {"retained", "denied", "classified", "schedule", "provenance", "none"}
STYLES = ("solid", "marker", "outlined", "whiteout", "shaded", "hatched", "cutout", "textual")
ROLES = ("insertion", "marginal", "signature", "stampfill", "strike", "mark", "note")


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """A stamp, label, banner, legend or release line, with its hand-filled fields inside the box."""

    kind: ClassVar[str] = "stamp"
    box: Box
    id: str = ""
    confidence: float
    text: str
    family: str
    decision: str = "none"
    agency: str | None = None
    rotation_deg: float = 0.0
    struck: bool = False
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Code:
    """An exemption code as printed (``code``), with its canonical form and the law that it stands in."""

    kind: ClassVar[str] = "code"
    box: Box
    id: str = ""
    confidence: float
    text: str
    code: str
    canonical: str | None = None
    regime: str | None = None
    meaning: str | None = None
    handwritten: bool = False
    context: str | None = None
    redaction: str | None = None
    group: int | None = None
    rotation_deg: float = 0.0
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Redaction:
    """A region whose content was removed or covered."""

    kind: ClassVar[str] = "redaction"
    box: Box
    id: str = ""
    confidence: float
    style: str
    polygon: tuple[Point, ...] = ()
    legible: bool = False
    lines: int | None = None
    estimated_chars: int | None = None
    chars_range: tuple[int, int] | None = None
    codes: tuple[str, ...] = ()
    recoverable: bool = False
    hidden_chars: int | None = None
    text: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Handwriting:
    """Something written or drawn by hand; ``text`` is a reading, ``None`` where it cannot be read."""

    kind: ClassVar[str] = "handwriting"
    box: Box
    id: str = ""
    confidence: float
    role: str
    text: str | None = None
    struck_text: str | None = None
    anchor: Point | None = None
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """One square bracket, typed or drawn; ``pair`` is the id of its partner on the page."""

    kind: ClassVar[str] = "bracket"
    box: Box
    id: str = ""
    confidence: float
    side: str
    form: str
    struck: bool = False
    pair: str | None = None
    text: str | None = None
    family: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


Mark = Stamp | Code | Redaction | Handwriting | Bracket


@dataclass(frozen=True, kw_only=True)
class Event:
    """One decision about the page: who decided what, when, and the mark that says so."""

    id: str = ""
    decision: str
    agency: str | None
    name: str | None = None
    office: str | None = None
    legal_basis: str | None = None
    case: str | None = None
    reviewer: str | None = None
    date: str | None = None
    date_text: str | None = None
    date_handwritten: bool = False
    struck: bool = False
    confidence: float
    mark: str = ""
    box: Box
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)


def area(box: Box) -> int:
    """Pixels inside a box; 0 for an empty one.

    >>> area((0, 0, 4, 3))
    12
    """
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def intersection(a: Box, b: Box) -> int:
    """Pixels that two boxes share.

    >>> intersection((0, 0, 4, 4), (2, 2, 8, 8))
    4
    """
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def union(*boxes: Box) -> Box:
    """The smallest box around all the given ones.

    >>> union((0, 0, 4, 4), (2, 2, 8, 8))
    (0, 0, 8, 8)
    """
    return (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1.

    >>> iou((0, 0, 2, 2), (0, 0, 2, 4))
    0.5
    """
    shared = intersection(a, b)
    return shared / max(1, area(a) + area(b) - shared)
