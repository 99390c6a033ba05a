"""What was found on a page and in a document: values that show themselves and turn into plain data and back.

The form of :meth:`PageReport.to_dict` is fixed by the JSON Schema that ships with the package (:func:`schema`). The
image is not part of the data: ``picture`` is there while the scan is at hand, for display.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
import types
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from redactlib import marks as m
from redactlib.errors import ReportError
from redactlib.scan import Scan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE_SCHEMA = "redactlib.page/1"
DOCUMENT_SCHEMA = "redactlib.document/1"

STATUSES = m.DECISIONS - {"provenance", "none"} | {"withheld", "unmarked"}
"""What a page can be: the decision that opened it, what alone stands on it, or nothing at all."""

KINDS: dict[str, Any] = {c.kind: c for c in get_args(m.Mark)}

RECORD_FIELDS = (
    *("path", "page", "status", "agency", "date", "id", "kind", "label", "x0", "y0", "x1", "y1", "confidence"),
    *("text", "struck", "handwritten", "codes", "redaction", "estimated_chars"),
)
"""Columns of :meth:`PageReport.to_records`, also when there are no rows: ``DataFrame(rows, columns=RECORD_FIELDS)``."""

MAX_JSON_CHARS = 64_000_000  # a page of 10,000 marks with their evidence stays below a tenth of this
MAX_DEPTH = 40  # nesting of the evidence; what the library writes stays below ten

T = TypeVar("T")


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
        status: one of :data:`STATUSES`.
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

    Boxes are ``(x0, y0, x1, y1)`` in pixels of the page image as stored, half-open.

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

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types, in the form of :func:`schema`."""
        return {"schema": PAGE_SCHEMA} | _plain(self)

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
        _check_schema(data, PAGE_SCHEMA)
        return _read(cls, data, "")

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text: one line, unless `indent` asks for more."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> PageReport:
        """Read what :meth:`to_json` wrote; raises :class:`ReportError` like :meth:`from_dict`."""
        return cls.from_dict(_load_json(text))

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

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON types; each page in the form of :func:`schema`."""
        return {"schema": DOCUMENT_SCHEMA} | _plain(self) | {"pages": [page.to_dict() for page in self.pages]}

    @classmethod
    def from_dict(cls, data: Any) -> DocumentReport:
        """Read what :meth:`to_dict` wrote; raises :class:`ReportError` with the path of a wrong field."""
        _check_schema(data, DOCUMENT_SCHEMA)
        return _read(cls, data, "")

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text: one line, unless `indent` asks for more."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> DocumentReport:
        """Read what :meth:`to_json` wrote; raises :class:`ReportError` like :meth:`from_dict`."""
        return cls.from_dict(_load_json(text))

    def to_records(self) -> list[dict[str, Any]]:
        """One plain row a mark of every page: see :meth:`PageReport.to_records`."""
        return [row for page in self.pages for row in page.to_records()]

    def codes_table(self) -> list[dict[str, Any]]:
        """One row an exemption code, most frequent first.

        Columns: ``code`` (canonical where known), ``regime``, ``meaning``, ``count`` of marks, ``pages`` (their
        numbers), ``redactions`` (how many it is linked to) and ``chars_hidden`` (what these hide by estimate, ``None``
        where no estimate is had).
        """
        return codes_table(self.pages)

    def edits(self) -> tuple[Edit, ...]:
        """Insertions, strikes and bracketed passages of all pages in reading order; see :func:`marked_up`."""
        return tuple(edit for page in self.pages for edit in _page_edits(page))

    def _repr_html_(self) -> str:
        from redactlib.webpage import document_html

        return document_html(self)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change that a hand made to the draft.

    Attributes:
        kind: ``insertion``, ``strike``, ``substitution`` (an insertion over a strike) or ``bracket``.
        before: what the draft said; `after`: what the hand made of it; ``None`` where it cannot be read.
        marks: ids of the marks on the page that it comes from.
        family: of a bracketed passage: what the brackets probably mean.
    """

    page: int
    kind: str
    box: m.Box
    before: str | None
    after: str | None
    marks: tuple[str, ...]
    confidence: float
    family: str | None = None


def marked_up(edits: Iterable[Edit]) -> str:
    """Edits as CriticMarkup, one a line: ``{++in++}``, ``{--out--}``, ``{~~out~>in~~}``, ``{==[bracketed]==}``.

    >>> one = dict(page=1, box=(0, 0, 9, 9), marks=("m1",), confidence=0.9)
    >>> print(marked_up([Edit(kind="substitution", before="shall", after="will", **one)]))
    p. 1: {~~shall~>will~~}
    """
    forms = {"insertion": "{++%s++}", "strike": "{--%s--}", "substitution": "{~~%s~>%s~~}", "bracket": "{==[%s]==}"}
    rows = []
    for edit in edits:
        parts = {"insertion": (edit.after,), "substitution": (edit.before, edit.after)}.get(edit.kind, (edit.before,))
        rows.append(f"p. {edit.page}: " + forms[edit.kind] % tuple("…" if part is None else part for part in parts))
    return "\n".join(rows)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a page's headline is what it is: ``str()`` gives the text, `plot` the figure, a notebook shows both."""

    report: PageReport

    def __str__(self) -> str:
        return "\n".join(_explain(self.report))

    def plot(self) -> Any:
        """The figure: stamp, its aligned legend, its fields, the candidates for the date."""
        from redactlib.display import plot_explanation

        return plot_explanation(self.report)

    def _repr_html_(self) -> str:
        from redactlib.webpage import explanation_html

        return explanation_html(self)


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
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield PageReport.from_json(line)
                except ReportError as error:
                    raise ReportError(f"{path}, line {number}: {error}") from error


# --- values to plain data and back ------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """Dataclasses to dicts, tuples to lists, numpy to Python; a number that JSON does not know becomes ``None``."""
    if is_dataclass(value) and not isinstance(value, type):
        data = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.name != "picture"}
        if not data.get("evidence", True):
            del data["evidence"]
        if isinstance(value, m.Mark):
            data = {"id": data.pop("id"), "kind": value.kind} | data
        if isinstance(value, m.Redaction) and not value.polygon:
            x0, y0, x1, y1 = data["box"]
            data["polygon"] = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
        return data
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


VOCABULARY: dict[tuple[type, str], Iterable[str]] = {
    (Declassification, "status"): STATUSES,
    (m.Event, "decision"): m.DECISIONS,
    (m.Stamp, "decision"): m.DECISIONS,
    (m.Redaction, "style"): m.STYLES,
    (m.Handwriting, "role"): m.ROLES,
    (m.Bracket, "side"): ("open", "close"),
    (m.Bracket, "form"): ("drawn", "typed"),
}
DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


def _read(kind: Any, value: Any, where: str) -> Any:
    """Read plain data as a value of type `kind`, which is spelt as in the dataclasses; `where` is its path."""
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    if value is None and type(None) in options:
        return None
    if m.Stamp in options:
        return _read_dataclass(_kind_of(value, where), value, where)
    kind = options[0]
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind), value, where)
    if get_origin(kind) is dict:
        return _read_evidence(value, where)
    wanted: dict[Any, tuple[Any, str]] = {
        str: (str, "a text"),
        bool: (bool, "true or false"),
        int: (int, "an integer"),
        float: ((int, float), "a number"),
    }
    accepted, said = wanted[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(where, said + (" or null" if type(None) in options else ""), value)
    if kind in (int, float) and not abs(value) < 2**53:  # also refuses NaN
        raise _wrong(where, f"{said} below 2**53", value)
    return float(value) if kind is float else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    found: dict[str, Any] = {}
    for f in fields(kind):
        path = f"{where}.{f.name}".lstrip(".")
        if f.name == "picture":
            continue
        if f.name not in value:
            if f.default is MISSING and f.default_factory is MISSING:
                raise ReportError(f"{path}: is missing; every {kind.__name__} has one (null where it is unknown)")
            continue
        found[f.name] = item = _read(_hints(kind)[f.name], value[f.name], path)
        words = VOCABULARY.get((kind, f.name))
        if words is not None and item not in words:
            raise _wrong(path, "one of " + ", ".join(sorted(words)), item)
        if f.name == "box" and not (item[0] <= item[2] and item[1] <= item[3]):
            raise _wrong(path, "[x0, y0, x1, y1] with x0 <= x1 and y0 <= y1", list(item))
        if f.name == "confidence" and item is not None and not 0 <= item <= 1:
            raise _wrong(path, "a number from 0 to 1", item)
        if f.name == "date" and item is not None and not DATE.fullmatch(item):
            raise _wrong(path, "YYYY-MM-DD, YYYY-MM or YYYY", item)
    return kind(**found)


def _read_tuple(parts: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, "a list", value)
    if parts[-1] is Ellipsis:
        parts = parts[:1] * len(value)
    if len(value) != len(parts):
        raise _wrong(where, f"a list of {len(parts)}", value)
    return tuple(_read(part, item, f"{where}[{i}]") for i, (part, item) in enumerate(zip(parts, value, strict=True)))


def _read_evidence(value: Any, where: str) -> dict[str, Any]:
    """Evidence has no fixed form; it only has to be an object that is not nested without end."""
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    layer: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        layer = [item for part in layer for item in (part.values() if isinstance(part, dict) else part)]
        layer = [item for item in layer if isinstance(item, dict | list | tuple)]
        if not layer:
            return value
    raise ReportError(f"{where}: nested more than {MAX_DEPTH} deep; redactlib writes no such evidence")


def _kind_of(value: Any, where: str) -> type:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise _wrong(f"{where}.kind" if isinstance(value, dict) else where, "one of " + ", ".join(KINDS), kind or value)
    return KINDS[kind]


def _wrong(where: str, expected: str, got: Any) -> ReportError:
    return ReportError(f"{where or 'report'}: expected {expected}, got {type(got).__name__} ({reprlib.repr(got)})")


def _check_schema(data: Any, wanted: str) -> None:
    found = data.get("schema") if isinstance(data, dict) else None
    if found != wanted:
        raise _wrong("schema" if isinstance(data, dict) else "", f"a report of schema {wanted!r}", found)


def _load_json(text: str | bytes) -> Any:
    if len(text) > MAX_JSON_CHARS:
        raise ReportError(
            f"report of {len(text)} characters; one has at most {MAX_JSON_CHARS}: is this a report at all?"
        )
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"not JSON that can be read as a report: {str(error)[:120]}") from error


# --- tables -----------------------------------------------------------------------------------------------------------


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
        row[name] = _plain(getattr(mark, name, None))
    return row | {"codes": " ".join(mark.codes) if isinstance(mark, m.Redaction) else None}


def codes_table(pages: Iterable[PageReport]) -> list[dict[str, Any]]:
    """One row an exemption code of the given pages: see :meth:`DocumentReport.codes_table`."""
    rows: dict[str, dict[str, Any]] = {}
    for page in pages:
        names = {}
        for code in page.codes:
            names[code.id] = name = code.canonical or code.code
            new: dict[str, Any] = {
                "code": name,
                "regime": code.regime,
                "meaning": code.meaning,
                "count": 0,
                "pages": [],
            }
            row = rows.setdefault(name, new | {"redactions": 0, "chars_hidden": None})
            row["count"] += 1
            if page.source.page not in row["pages"]:
                row["pages"].append(page.source.page)
        for redaction in page.redactions:
            for name in dict.fromkeys(names[i] for i in redaction.codes if i in names):
                rows[name]["redactions"] += 1
                if redaction.estimated_chars is not None:
                    rows[name]["chars_hidden"] = (rows[name]["chars_hidden"] or 0) + redaction.estimated_chars
    return sorted(rows.values(), key=lambda row: (-row["count"], row["code"]))


def _page_edits(page: PageReport) -> list[Edit]:
    strikes = [h for h in page.handwriting if h.role == "strike"]
    found = []
    for hand in page.handwriting:
        if hand.role != "insertion":
            continue
        over = next((s for s in strikes if hand.anchor and _inside(hand.anchor, s.box)), None)
        strikes = [s for s in strikes if s is not over]
        parts = (over, hand) if over else (hand,)
        found.append(
            Edit(
                page=page.source.page,
                kind="substitution" if over else "insertion",
                box=m.union(*(part.box for part in parts)),
                before=over.struck_text if over else None,
                after=hand.text,
                marks=tuple(part.id for part in parts),
                confidence=min(part.confidence for part in parts),
            )
        )
    one: dict[str, Any]
    for strike in strikes:
        one = {"before": strike.struck_text, "after": None, "marks": (strike.id,), "confidence": strike.confidence}
        found.append(Edit(page=page.source.page, kind="strike", box=strike.box, **one))
    closing = {bracket.id: bracket for bracket in page.brackets if bracket.side == "close"}
    for bracket in page.brackets:
        if bracket.side == "open" and not bracket.struck:
            pair = [bracket] + [closing[i] for i in (bracket.pair,) if i in closing]
            one = {"before": bracket.text, "after": bracket.text, "family": bracket.family}
            one |= {"marks": tuple(b.id for b in pair), "confidence": min(b.confidence for b in pair)}
            found.append(Edit(page=page.source.page, kind="bracket", box=m.union(*(b.box for b in pair)), **one))
    # lines of typescript are about 1/6 inch apart: marks within half of that stand on one line
    return sorted(found, key=lambda edit: (round(edit.box[1] / page.image.dpi * 12), edit.box[0]))


def _inside(point: m.Point, box: m.Box) -> bool:
    return box[0] <= point[0] < box[2] and box[1] <= point[1] < box[3]


# --- the explanation --------------------------------------------------------------------------------------------------


def deciding(report: PageReport) -> list[tuple[m.Event, m.Stamp | None]]:
    """The events that gave the headline, each with its stamp."""
    stamps = {stamp.id: stamp for stamp in report.stamps}
    return [(e, stamps.get(e.mark)) for e in report.events if e.id in report.declassification.events]


def evidence_rows(evidence: dict[str, Any], *path: str) -> list[tuple[Any, ...]]:
    """What the evidence says under `path`, as rows; none where it says nothing or something of another form."""
    value: Any = evidence
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value = [(key, item) for key, item in value.items() if item is not None]
    return [tuple(row) for row in value if isinstance(row, list | tuple)] if isinstance(value, list | tuple) else []


def evidence_text(cell: Any) -> str:
    """A cell of :func:`evidence_rows` as text, probabilities with three digits."""
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def _explain(report: PageReport) -> Iterator[str]:
    said = report.declassification
    sure = "" if said.confidence is None else f" (confidence {said.confidence:.2f})"
    yield f"{report.source.path or 'page'}, page {report.source.page}: {said.headline}{sure}"
    for event, stamp in deciding(report):
        yield f"  event {event.id}: {_event_line(event)}"
        if stamp:
            yield f"    stamp {stamp.id} at {list(stamp.box)}, family {stamp.family}: {stamp.text!r}"
        evidence = (stamp.evidence if stamp else {}) | event.evidence
        for legend, read, *cost in (row for row in evidence_rows(evidence, "legend") if len(row) >= 2):
            yield f"      legend {legend!r} was read {read!r}" + "".join(f", cost {evidence_text(c)}" for c in cost[:1])
        for name, value in (row for row in evidence_rows(evidence, "fields") if len(row) == 2):
            yield f"      field {name} = {value!r}"
        for date, *odds in (row for row in evidence_rows(evidence, "date", "candidates") if row):
            yield f"      date {date}" + "".join(f" with probability {evidence_text(p)}" for p in odds[:1])
        characters = [" ".join(map(evidence_text, row)) for row in evidence_rows(evidence, "date", "characters")]
        if characters:
            yield "      characters: " + "  ".join(characters)
    for event in report.events:
        if event.id not in said.events:
            yield f"  not decided by event {event.id}: {_event_line(event)}"
    for candidate in evidence_rows(said.evidence, "candidates"):
        yield "  candidate: " + ", ".join(map(evidence_text, candidate))
    yield from (f"  warning: {warning}" for warning in report.warnings)


def _event_line(event: m.Event) -> str:
    written = f" from {'handwritten' if event.date_handwritten else 'printed'} {event.date_text!r}" * bool(
        event.date_text
    )
    parts = (event.decision.replace("_", " "), event.agency, event.office, event.legal_basis, event.case)
    said = ", ".join(part for part in parts if part)
    return f"{said}, {event.date or 'undated'}{written}{', struck out' * event.struck} ({event.confidence:.2f})"
