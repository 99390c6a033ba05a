"""What was found on a page and in a document: values that show themselves and turn into plain data and back.

The form of :meth:`PageReport.to_dict` is fixed by the JSON Schema that ships with the package (:func:`schema`). The
image is not part of the data: ``picture`` is there while the scan is at hand, for display.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from redactlib import marks as m
from redactlib.catalogue.exemptions import interpret
from redactlib.edits import Edit, find_edits, over_pages
from redactlib.errors import ReportError, ScanError
from redactlib.explain import Explanation
from redactlib.plain import check_schema, from_plain, load_json, to_plain
from redactlib.scan import Scan, open_scans

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE_SCHEMA = "redactlib.page/1"
DOCUMENT_SCHEMA = "redactlib.document/1"

RECORD_FIELDS = (
    *("path", "page", "status", "agency", "date", "id", "kind", "label", "x0", "y0", "x1", "y1", "confidence"),
    *("text", "struck", "handwritten", "codes", "redaction", "estimated_chars"),
)
"""Columns of :meth:`PageReport.to_records`, also when there are no rows: ``DataFrame(rows, columns=RECORD_FIELDS)``."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The file that a page comes from; `page` counts from 1 and `path` is ``None`` for an array."""

    path: str | None
    page: int = 1
    pages: int = 1
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """Size of the page image in pixels as stored, its resolution and where that comes from, its skew in degrees."""

    width: int
    height: int
    dpi: float
    dpi_source: str = "file"
    skew_deg: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Who decided: the agency by its short name, and what the mark says beside it."""

    agency: str | None
    name: str | None = None
    office: str | None = None
    legal_basis: str | None = None
    case: str | None = None
    reviewer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Declassification:
    """On whose authority and when the page or document was opened, and which events say so.

    Attributes:
        status: one of :data:`redactlib.plain.STATUSES`.
        authority, date: ``None`` where no mark gives them, or not surely enough; candidates are then in `evidence`.
        confidence: calibrated probability that authority and date are right, 0..1; ``None`` without either.
        events: ids of the events that decide.
    """

    status: str = "unmarked"
    authority: Authority | None = None
    date: str | None = None
    confidence: float | None = None
    events: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def headline(self) -> str:
        """The answer in one line.

        >>> Declassification(status="released", authority=Authority(agency="CIA"), date="1999-02-22").headline
        'released · CIA · 1999-02-22'
        """
        agency = self.authority and (self.authority.agency or self.authority.name)
        unknown = ("authority unknown", "date unknown") if agency or self.date else (None, None)
        parts = (self.status.replace("_", " "), agency or unknown[0], self.date or unknown[1])
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True, kw_only=True)
class PageReport:
    """Everything that was found on one page.

    Boxes are ``(x0, y0, x1, y1)`` in pixels of the page image as stored, half-open. ``text_chars`` is how many
    characters of the document's own text can be read: stamps, codes and handwriting do not count.

    >>> report = PageReport(source=Source(path="page.png"), image=ImageInfo(width=2544, height=3300, dpi=300))
    >>> report.declassification.status, report.redactions
    ('unmarked', ())
    >>> PageReport.from_dict(report.to_dict()) == report
    True
    """

    source: Source
    image: ImageInfo
    declassification: Declassification = Declassification()
    events: tuple[m.Event, ...] = ()
    marks: tuple[m.Mark, ...] = ()
    warnings: tuple[str, ...] = ()
    text_chars: int | None = None
    picture: Scan | None = field(default=None, repr=False, compare=False)

    @property
    def authority(self) -> Authority | None:
        return self.declassification.authority

    @property
    def date(self) -> str | None:
        return self.declassification.date

    @property
    def stamps(self) -> tuple[m.Stamp, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, m.Stamp))

    @property
    def codes(self) -> tuple[m.Code, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, m.Code))

    @property
    def redactions(self) -> tuple[m.Redaction, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, m.Redaction))

    @property
    def handwriting(self) -> tuple[m.Handwriting, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, m.Handwriting))

    @property
    def brackets(self) -> tuple[m.Bracket, ...]:
        return tuple(mark for mark in self.marks if isinstance(mark, m.Bracket))

    @property
    def hidden_share(self) -> float | None:
        """Share of the page's text that is hidden, 0..1: characters by estimate, where none can be read through.

        1.0 for a sheet that stands for a removed page, ``None`` where the type is unknown.
        """
        return 1.0 if self.declassification.status == "withheld" else _hidden_share([self])

    def load_image(self) -> np.ndarray | None:
        """The page as stored, uint8 ``(H, W)`` or RGB ``(H, W, 3)``; read again from its file where no picture is kept.

        ``None`` where there is no file any more, or one with other contents.
        """
        scan = self.picture
        if scan is None and self.source.path and os.path.isfile(self.source.path):
            dpi = self.image.dpi if self.image.dpi_source == "given" else None
            try:
                scan = next(open_scans(self.source.path, dpi=dpi, pages=[self.source.page]))
            except ScanError:
                return None
            if self.source.sha256 not in ("", scan.sha256):
                return None
        return None if scan is None else scan.upright(-scan.turned).image

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types, in the form of :func:`schema`."""
        return {"schema": PAGE_SCHEMA} | to_plain(self)

    @classmethod
    def from_dict(cls, data: Any) -> PageReport:
        """Read what :meth:`to_dict` wrote; fields that the schema does not know are left out.

        Raises:
            ReportError: naming the path of the first field that is missing or wrong.

        >>> PageReport.from_dict({"schema": "redactlib.page/1", "source": {"path": 7}})
        Traceback (most recent call last):
            ...
        redactlib.errors.ReportError: source.path: expected a text or null, got int (7)
        """
        check_schema(data, PAGE_SCHEMA)
        return from_plain(cls, data)

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text: one line, unless `indent` asks for more."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> PageReport:
        """Read what :meth:`to_json` wrote; raises :class:`ReportError` like :meth:`from_dict`."""
        return cls.from_dict(load_json(text))

    def to_records(self) -> list[dict[str, Any]]:
        """One plain row a mark, with the columns :data:`RECORD_FIELDS`, for pandas and CSV."""
        page: dict[str, Any] = {
            "path": self.source.path,
            "page": self.source.page,
            "status": self.declassification.status,
        }
        page |= {"agency": self.authority and self.authority.agency, "date": self.date}
        return [page | _record(mark) for mark in self.marks]

    def codes_table(self) -> list[dict[str, Any]]:
        """One row a code of the page: see :meth:`DocumentReport.codes_table`."""
        return codes_table([self])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the page with its marks by kind; returns the axes."""
        from redactlib.display import plot_page

        return plot_page(self, ax=ax)

    def explain(self) -> Explanation:
        """Trace the headline: event, stamp, aligned legend, fields, characters; prints as text, shows as a figure."""
        return Explanation(report=self)

    def _repr_html_(self) -> str:
        from redactlib.webpage import page_html

        return page_html(self)


@dataclass(frozen=True, kw_only=True)
class DocumentReport:
    """The pages of one file and what they say together; its `events` are ids as ``p3.e1``: page 3, event e1."""

    path: str | None
    pages: tuple[PageReport, ...] = ()
    declassification: Declassification = Declassification()
    warnings: tuple[str, ...] = ()

    @property
    def authority(self) -> Authority | None:
        return self.declassification.authority

    @property
    def date(self) -> str | None:
        return self.declassification.date

    @property
    def hidden_share(self) -> float | None:
        """Share of the document's text that is hidden, 0..1, on pages that are there; see the page's own."""
        return _hidden_share([page for page in self.pages if page.declassification.status != "withheld"])

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types; each page in the form of :func:`schema`."""
        return {"schema": DOCUMENT_SCHEMA} | to_plain(self) | {"pages": [page.to_dict() for page in self.pages]}

    @classmethod
    def from_dict(cls, data: Any) -> DocumentReport:
        """Read what :meth:`to_dict` wrote; raises :class:`ReportError` with the path of a wrong field."""
        check_schema(data, DOCUMENT_SCHEMA)
        return from_plain(cls, data)

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text: one line, unless `indent` asks for more."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> DocumentReport:
        """Read what :meth:`to_json` wrote; raises :class:`ReportError` like :meth:`from_dict`."""
        return cls.from_dict(load_json(text))

    def to_records(self) -> list[dict[str, Any]]:
        """One plain row a mark of every page: see :meth:`PageReport.to_records`."""
        return [row for page in self.pages for row in page.to_records()]

    def codes_table(self) -> list[dict[str, Any]]:
        """One row an exemption code, most frequent first; a mark that names two, ``P6/b(6)``, counts for both.

        Columns: ``code`` (canonical where known), ``regime``, ``meaning``, ``count`` of marks, ``pages`` (their
        numbers), ``redactions`` (how many it is linked to), ``chars_hidden`` (what these hide by estimate, ``None``
        where no estimate is had) and ``share_hidden`` (that, of all the text; codes that share a redaction share this).
        """
        return codes_table(self.pages)

    def edits(self) -> tuple[Edit, ...]:
        """Insertions, strikes and bracketed passages in reading order; see :func:`redactlib.edits.marked_up`."""
        return tuple(
            over_pages(
                (page.marks, find_edits(page.marks, page=page.source.page, dpi=page.image.dpi)) for page in self.pages
            )
        )

    def _repr_html_(self) -> str:
        from redactlib.webpage import document_html

        return document_html(self)


@cache
def _schema_text() -> str:
    return (resources.files("redactlib") / "schema" / "page-1.json").read_text("utf-8")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a page report.

    >>> schema()["title"]
    'redactlib page report'
    """
    return json.loads(_schema_text())


def read_reports(path: str | Path) -> Iterator[PageReport]:
    """Yield the page reports of a JSON Lines file; :class:`ReportError` names the line that is none."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield PageReport.from_json(line)
                except ReportError as error:
                    raise ReportError(f"{path}, line {number}: {error}") from error


def label(mark: m.Mark) -> str:
    """What a mark is, in a word: family, code, style, role, or side of a bracket.

    >>> label(m.Code(box=(0, 0, 9, 9), confidence=0.9, text="B 5", code="B5"))
    'B5'
    """
    if isinstance(mark, m.Stamp):
        return mark.family
    if isinstance(mark, m.Code):
        return mark.code
    if isinstance(mark, m.Redaction):
        return mark.style
    return mark.role if isinstance(mark, m.Handwriting) else mark.side


def _record(mark: m.Mark) -> dict[str, Any]:
    row: dict[str, Any] = {"id": mark.id, "kind": mark.kind, "label": label(mark)}
    row |= dict(zip(("x0", "y0", "x1", "y1"), map(int, mark.box), strict=True)) | {"confidence": float(mark.confidence)}
    for name in RECORD_FIELDS[RECORD_FIELDS.index("text") :]:
        row[name] = to_plain(getattr(mark, name, None))
    return row | {"codes": " ".join(mark.codes) if isinstance(mark, m.Redaction) else None}


def _text_amounts(pages: Iterable[PageReport]) -> tuple[int, int]:
    """Characters that can be read on the pages, and those that are hidden."""
    read = hidden = 0
    for page in pages:
        read += page.text_chars or 0
        hidden += sum(r.estimated_chars or 0 for r in page.redactions if not r.legible)
    return read, hidden


def _hidden_share(pages: Sequence[PageReport]) -> float | None:
    read, hidden = _text_amounts(pages)
    unknown = any(page.text_chars is None for page in pages)
    unknown |= any(r.estimated_chars is None and r.style != "textual" for page in pages for r in page.redactions)
    return None if unknown or not read + hidden else round(hidden / (read + hidden), 4)


def codes_table(pages: Iterable[PageReport]) -> list[dict[str, Any]]:
    """One row an exemption code of the given pages: see :meth:`DocumentReport.codes_table`."""
    pages = list(pages)
    text = sum(_text_amounts(pages))
    rows: dict[str, dict[str, Any]] = {}
    for page in pages:
        names = {}
        for code in page.codes:
            named = _named_by(code)
            names[code.id] = [name for name, _, _ in named]
            for name, regime, meaning in named:
                new: dict[str, Any] = {"code": name, "regime": regime, "meaning": meaning, "count": 0, "pages": []}
                row = rows.setdefault(name, new | {"redactions": 0, "chars_hidden": None, "share_hidden": None})
                row["count"] += 1
                if page.source.page not in row["pages"]:
                    row["pages"].append(page.source.page)
        for redaction in page.redactions:
            for name in dict.fromkeys(name for i in redaction.codes if i in names for name in names[i]):
                rows[name]["redactions"] += 1
                if redaction.estimated_chars is not None:
                    rows[name]["chars_hidden"] = (rows[name]["chars_hidden"] or 0) + redaction.estimated_chars
    for row in rows.values():
        if row["chars_hidden"] is not None:
            row["share_hidden"] = round(row["chars_hidden"] / max(1, text), 4)
    return sorted(rows.values(), key=lambda row: (-row["count"], row["code"]))


def _named_by(code: m.Code) -> list[tuple[str, str | None, str | None]]:
    """Code, regime and meaning of all that a mark names: ``25X1,6`` and ``P6/b(6)`` are two codes each."""
    parts = (code.canonical or code.code).split(" + ")
    if len(parts) == 1:
        return [(parts[0], code.regime, code.meaning)]
    found = {part: interpret(part) for part in parts}
    return [(part, law.regime, law.meaning) if law else (part, None, None) for part, law in found.items()]
