"""Reports as HTML: what a notebook shows, and a folder of static pages for a whole batch.

Nothing here needs a network, a script or a font of its own; every word that comes from a page or a file name is
escaped, and the pages forbid scripts by their content security policy. Marks differ by colour (Okabe and Ito's
palette, told apart with any colour vision) and by the dashes of their outline.
"""

from __future__ import annotations

import base64
import html
import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from redactlib.errors import ReportError
from redactlib.explain import Explanation, deciding, evidence_rows, evidence_text
from redactlib.marks import Code, Event, Mark, Redaction, Stamp, area
from redactlib.report import DocumentReport, PageReport, codes_table, label

PAGE_WIDTH_PX = 1240  # type of 10 points stays readable
THUMB_WIDTH_PX = 132
GENERATOR = '<meta name="generator" content="redactlib">'


@dataclass(frozen=True)
class KindStyle:
    """How marks of one kind are drawn: colour of the outline, its dashes (SVG and points), the plural of its name."""

    colour: str
    dashes: tuple[int, ...]
    plural: str


KIND_STYLES = {
    "redaction": KindStyle("#b34a00", (), "redactions"),
    "stamp": KindStyle("#0067a5", (8, 2), "stamps"),
    "code": KindStyle("#00795a", (), "codes"),
    "handwriting": KindStyle("#a03c78", (2, 2), "handwriting"),
    "bracket": KindStyle("#8a6500", (5, 2, 1, 2), "brackets"),
}


# --- one page, for a notebook -----------------------------------------------------------------------------------------


def page_html(report: PageReport) -> str:
    """One page as a piece of HTML: picture with marks, headline, chain of events, table of marks."""
    image = report.load_image()
    section = _page_section(report, image, _data_url(image, PAGE_WIDTH_PX))
    return f'<div class="redactlib"><style>{_css()}</style>{section}</div>'


def document_html(report: DocumentReport) -> str:
    """A document as a piece of HTML: its headline and a table of its pages."""
    rows = (_page_row(page, _data_url(page.load_image(), THUMB_WIDTH_PX), None) for page in report.pages)
    head = f"<h2>{_esc(_name(report.path))}</h2>{_headline(report)}"
    return (
        f'<div class="redactlib"><style>{_css()}</style>{head}{_pages_table(rows)}{_codes(report.codes_table())}</div>'
    )


def explanation_html(explanation: Explanation) -> str:
    """The trace of a headline as a piece of HTML."""
    report = explanation.report
    trace = _trace(report, report.load_image())
    return f'<div class="redactlib"><style>{_css()}</style>{_headline(report)}{trace}</div>'


# --- a folder of pages ------------------------------------------------------------------------------------------------


def write_html(reports: Iterable[DocumentReport], folder: str | Path) -> Path:
    """Write reports as a folder of static pages and return the path of its ``index.html``.

    The folder is written beside its place and moved there when it is whole; an older report there is replaced.

    Raises:
        ReportError: `folder` holds something else than a report that this function wrote.
    """
    folder = Path(folder).resolve()
    if folder.exists() and not _replaceable(folder):
        raise ReportError(f"{folder}: holds other files; give a new or empty folder for the HTML report")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as work:
        new, old = Path(work) / "new", Path(work) / "old"
        new.mkdir()
        _write_pages(reports, new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    return folder / "index.html"


def _replaceable(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    index = folder / "index.html"
    return not any(folder.iterdir()) or (index.is_file() and GENERATOR in index.read_text("utf-8", "replace")[:2000])


def _write_pages(reports: Iterable[DocumentReport], folder: Path) -> None:
    (folder / "images").mkdir()
    rows: list[str] = []
    pages: list[PageReport] = []
    numbers = count(1)
    for number, document in zip(numbers, reports):  # noqa: B905 (one of them is endless)
        name, sections = f"document-{number:04d}", []
        for page in document.pages:
            image = page.load_image()
            picture, small = _write_images(image, folder, f"images/{name}-{page.source.page:04d}")
            sections.append(_page_section(page, image, picture, anchors=True))
            rows.append(_page_row(page, small, f"{name}.html#p{page.source.page}"))
            pages.append(replace(page, picture=None))
        back = '<p class="back"><a href="index.html">All pages</a></p>'
        title = _esc(_name(document.path))
        top = f"{back}<h1>{title}</h1>{_headline(document)}{_toggles()}{_warnings(document.warnings)}"
        body = "".join(sections) + _codes(document.codes_table())
        (folder / f"{name}.html").write_text(_whole(title, top + body), "utf-8", errors="replace")
    files = len({page.source.path for page in pages})
    title = f"{_number(len(pages), 'page')} of {_number(files, 'document')}"
    body = f"<h1>{title}</h1>{_summary(pages)}{_codes(codes_table(pages))}{_pages_table(rows)}"
    (folder / "index.html").write_text(_whole(title, body), "utf-8", errors="replace")


def _write_images(image: np.ndarray | None, folder: Path, stem: str) -> tuple[str | None, str | None]:
    if image is None:
        return None, None
    names = []
    for width, suffix in ((PAGE_WIDTH_PX, ""), (THUMB_WIDTH_PX, "-small")):
        kind, data = _encoded(image, width)
        names.append(f"{stem}{suffix}.{kind}")
        (folder / names[-1]).write_bytes(data)
    return names[0], names[1]


def _whole(title: str, body: str) -> str:
    policy = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{GENERATOR}'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><style>{_css()}</style></head><body class="redactlib whole">{body}</body></html>\n'
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _page_section(report: PageReport, image: np.ndarray | None, picture: str | None, *, anchors: bool = False) -> str:
    number = report.source.page
    anchor = f' id="p{number}"' if anchors else ""
    prefix = f"p{number}-" if anchors else None
    trace = _trace(report, image)
    said = "".join(
        (
            f"<h2>{_esc(_name(report.source.path))}, page {number} of {report.source.pages}</h2>",
            _headline(report),
            _warnings(report.warnings),
            _chain(report),
            f"<details><summary>Why this answer</summary>{trace}</details>" if trace else "",
            _marks_table(report.marks, prefix),
        )
    )
    legend = _legend(report.marks)
    shown = f'<div class="picture">{_svg(report, picture, prefix)}{legend}</div>'
    return f'<section{anchor}>{shown}<div class="said">{said}</div></section>'


def _headline(report: PageReport | DocumentReport) -> str:
    said = report.declassification
    who = said.authority
    name = who and (who.name or who.agency)
    rows = [_status(said.status)]
    if name or said.date:
        rows.append(f"<b>{_esc(name or 'authority unknown')}</b>")
        rows.append(f"<b>{_esc(said.date or 'date unknown')}</b>")
    if said.confidence is not None:
        rows.append(_meter(said.confidence))
    detail = [part for part in (who.office, who.legal_basis, who.case, who.reviewer) if part] if who else []
    more = f'<p class="detail">{_esc(" · ".join(detail))}</p>' if detail else ""
    return f'<p class="headline">{" ".join(rows)}</p>{more}'


def _status(status: str) -> str:
    return f'<span class="status {_esc(status)}">{_esc(status.replace("_", " "))}</span>'


def _meter(share: float) -> str:
    bar = f'<span class="meter" title="confidence"><i style="width:{100 * share:.0f}%"></i></span>'
    return f'<span class="sure">{bar}<span class="odds">{share:.2f}</span></span>'


def _chain(report: PageReport) -> str:
    if not report.events:
        return ""
    events = sorted(report.events, key=lambda event: (event.date is None, event.date or ""))
    return f'<h3>Events</h3><ol class="chain">{"".join(_event(e, report.declassification.events) for e in events)}</ol>'


def _event(event: Event, decisive: Sequence[str]) -> str:
    written = "written by hand" if event.date_handwritten else "printed"
    rows = [event.date or "undated", event.decision.replace("_", " "), event.agency, event.office, event.legal_basis]
    rows += [event.case, event.reviewer, f"{written}: {event.date_text}" if event.date_text else None]
    said = " · ".join(_esc(row) for row in rows if row)
    names = " ".join(("decides",) * (event.id in decisive) + ("struck",) * event.struck)
    mark = f' <span class="id">{_esc(event.mark)}</span>' if event.mark else ""
    return f'<li class="{names}">{said}{mark} {_meter(event.confidence)}</li>'


def _trace(report: PageReport, image: np.ndarray | None) -> str:
    margin = round(report.image.dpi / 12)
    return "".join(_trace_event(event, stamp, image, margin) for event, stamp in deciding(report))


def _trace_event(event: Event, stamp: Stamp | None, image: np.ndarray | None, margin: int) -> str:
    """The mark of a deciding event, cut out with a margin in pixels, and what was read in it."""
    evidence = (stamp.evidence if stamp else {}) | event.evidence
    tables = [
        _table(("legend", "as read", "cost"), (row for row in evidence_rows(evidence, "legend") if len(row) >= 2)),
        _table(("field", "value"), (row for row in evidence_rows(evidence, "fields") if len(row) == 2)),
        _table(("date", "probability"), evidence_rows(evidence, "date", "candidates")),
        _table(("character", "probability"), evidence_rows(evidence, "date", "characters")),
    ]
    x0, y0, x1, y1 = event.box
    crop = None
    if image is not None:
        crop = image[max(0, y0 - margin) : max(0, y1 + margin), max(0, x0 - margin) : max(0, x1 + margin)]
    shown = crop is not None and crop.size
    picture = f'<img alt="the mark on the page" src="{_data_url(crop, 560)}">' if shown else ""
    where = f" · stamp {_esc(stamp.id)}, {_esc(stamp.family)}" if stamp else ""
    return f'<div class="trace"><p>event {_esc(event.id)}{where}</p>{picture}{"".join(tables)}</div>'


def _marks_table(marks: Sequence[Mark], prefix: str | None) -> str:
    codes = _code_names(marks)

    def name(mark: Mark) -> str:
        said = _esc(mark.id)
        return said if prefix is None else f'<a href="#{prefix}{said}">{said}</a>'

    rows = (
        f'<tr><td class="id whole">{name(mark)}</td><td class="whole"><i class="key {mark.kind}"></i>{mark.kind}</td>'
        f'<td>{_esc(label(mark))}</td><td class="text">{_esc(_said(mark, codes))}</td>'
        f"<td>{mark.confidence:.2f}</td></tr>"
        for mark in marks
    )
    head = "<tr><th></th><th>kind</th><th></th><th>text</th><th>confidence</th></tr>"
    return f"<h3>Marks</h3><table>{head}{''.join(rows)}</table>" if marks else "<p>No marks found.</p>"


def _said(mark: Mark, codes: dict[str, str]) -> str:
    """What stands in a mark, or what it hides and under which of the page's codes."""
    if isinstance(mark, Redaction):
        hidden = f"hides about {_number(mark.estimated_chars, 'character')}" if mark.estimated_chars else ""
        under = ", ".join(dict.fromkeys(codes.get(i, i) for i in mark.codes))
        return ", ".join(part for part in (hidden, under and f"under {under}", "legible" * mark.legible) if part)
    parts = [mark.text, getattr(mark, "regime", None), getattr(mark, "struck_text", None)]
    return " · ".join(part for part in (*parts, "struck out" * getattr(mark, "struck", False)) if part)


def _code_names(marks: Sequence[Mark]) -> dict[str, str]:
    return {mark.id: mark.canonical or mark.code for mark in marks if isinstance(mark, Code)}


def _svg(report: PageReport, picture: str | None, prefix: str | None) -> str:
    w, h = report.image.width, report.image.height
    image = f'<image href="{picture}" width="{w}" height="{h}"/>' if picture else ""
    size = max(12, h // 105)
    codes = _code_names(report.marks)
    shapes = []
    for mark in sorted(report.marks, key=lambda mark: -area(mark.box)):
        x0, y0, x1, y1 = mark.box
        points = getattr(mark, "polygon", ()) or ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        outline = " ".join(f"{int(x)},{int(y)}" for x, y in points)
        said = " · ".join(part for part in (mark.id, mark.kind, label(mark), _said(mark, codes)) if part)
        name = "" if prefix is None else f' id="{prefix}{_esc(mark.id)}"'
        y = y0 - size // 5 if y0 > size else y1 + size
        shapes.append(
            f'<g class="{mark.kind}"{name}><polygon points="{outline}"><title>{_esc(said)}</title></polygon>'
            f'<text x="{x0}" y="{y}" font-size="{size}">{_esc(mark.id)}</text></g>'
        )
    absent = (
        ""
        if picture
        else f'<text x="{w // 2}" y="{h // 2}" font-size="{h // 40}" class="absent">no image at hand</text>'
    )
    back = f'<rect width="{w}" height="{h}" class="paper"/>'
    inside = "".join((back, image, absent, *shapes))
    return f'<svg viewBox="0 0 {w} {h}" role="img" aria-label="page with its marks">{inside}</svg>'


def _legend(marks: Sequence[Mark]) -> str:
    found = Counter(mark.kind for mark in marks)
    keys = (
        f'<span><i class="key {kind}"></i>{style.plural} {found[kind]}</span>' for kind, style in KIND_STYLES.items()
    )
    return f'<p class="legend">{"".join(keys)}</p>'


def _toggles() -> str:
    boxes = (
        f'<label><input type="checkbox" id="show-{kind}" checked><i class="key {kind}"></i>{style.plural}</label>'
        for kind, style in KIND_STYLES.items()
    )
    return f'<p class="legend toggles">Show {"".join(boxes)}</p>'


def _warnings(warnings: Sequence[str]) -> str:
    return f'<ul class="warnings">{"".join(f"<li>{_esc(w)}</li>" for w in warnings)}</ul>' if warnings else ""


def _page_row(page: PageReport, thumb: str | None, link: str | None) -> str:
    said, found = page.declassification, Counter(mark.kind for mark in page.marks)
    name = f"{_esc(_name(page.source.path))}<br>page {page.source.page} of {page.source.pages}"
    image = f'<img loading="lazy" alt="" src="{thumb}" width="66">' if thumb else ""
    if link:
        image, name = (f'<a href="{link}">{part}</a>' for part in (image, name))
    agency = said.authority.agency if said.authority else None
    cells = [image, name, _status(said.status), _esc(agency or "–"), _esc(said.date or "–")]
    cells.append("" if said.confidence is None else _meter(said.confidence))
    cells += [str(found[kind] or "") for kind in KIND_STYLES]
    cells.append(_esc(", ".join(dict.fromkeys(code.canonical or code.code for code in page.codes))))
    classes = ["", "text", *["whole"] * 4, *[""] * len(KIND_STYLES), "text"]
    body = (f'<td class="{name}">{cell}</td>' for name, cell in zip(classes, cells, strict=True))
    return f"<tr>{''.join(body)}</tr>"


def _pages_table(rows: Iterable[str]) -> str:
    names = ["", "page", "status", "authority", "date", "confidence"]
    names += [f'<i class="key {kind}"></i>{style.plural}' for kind, style in KIND_STYLES.items()]
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in (*names, 'which codes'))}</tr>"
    return f'<h2>Pages</h2><table class="pages">{head}{"".join(rows)}</table>'


def _summary(pages: Sequence[PageReport]) -> str:
    statuses = Counter(page.declassification.status for page in pages)
    chips = (f"<span>{_status(status)} {n}</span>" for status, n in statuses.most_common())
    marks = [mark for page in pages for mark in page.marks]
    return f'<p class="legend">{"".join(chips)}</p>{_legend(marks)}'


def _codes(table: Sequence[dict[str, Any]]) -> str:
    if not table:
        return ""
    most = max(row["count"] for row in table)
    rows = []
    for row in table:
        bar = f'<span class="bar" style="width:{80 * row["count"] / most:.0f}px"></span> {row["count"]}'
        cells = [f"<b>{_esc(row['code'])}</b>", _esc(row["regime"] or ""), _esc(row["meaning"] or ""), bar]
        cells += [str(row[name] or "") for name in ("redactions", "chars_hidden")]
        classes = ("", "", "", "whole", "", "")
        body = (f'<td class="{name}">{cell}</td>' for name, cell in zip(classes, cells, strict=True))
        rows.append(f"<tr>{''.join(body)}</tr>")
    names = ("code", "law", "meaning", "times", "redactions", "characters hidden")
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    return f"<h2>Exemption codes</h2><table>{head}{''.join(rows)}</table>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = "".join(
        f"<tr>{''.join(f'<td>{_esc(evidence_text(cell))}</td>' for cell in row[: len(head)])}</tr>" for row in rows
    )
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{body}</table>" if body else ""


def printable(text: str) -> str:
    """The text with a replacement mark for each control character, which neither HTML nor fonts know.

    >>> printable("a\\x00b")
    'a\ufffdb'
    """
    return "".join(c if c.isprintable() or c in "\n\t " else "\ufffd" for c in text)


def _esc(text: str) -> str:
    return html.escape(printable(text), quote=True)


def _name(path: str | None) -> str:
    return Path(path).name if path else "image"


def _number(n: int, thing: str) -> str:
    return f"{n} {thing}{'s' * (n != 1)}"


def _encoded(image: np.ndarray, width: int) -> tuple[str, bytes]:
    """The image at no more than `width` pixels: 16 greys as PNG, colour as JPEG."""
    if image.shape[1] > width:
        size = (width, max(1, round(image.shape[0] * width / image.shape[1])))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    out = io.BytesIO()
    if image.ndim == 3:
        Image.fromarray(image).save(out, "JPEG", quality=78)
        return "jpg", out.getvalue()
    picture = Image.fromarray(image >> 4, "P")
    picture.putpalette([grey * 17 for grey in range(16) for _ in range(3)])
    picture.save(out, "PNG", bits=4, compress_level=6)
    return "png", out.getvalue()


def _data_url(image: np.ndarray | None, width: int) -> str | None:
    if image is None:
        return None
    kind, data = _encoded(image, width)
    return f"data:image/{kind.replace('jpg', 'jpeg')};base64,{base64.b64encode(data).decode()}"


@cache
def _css() -> str:
    common = (resources.files("redactlib") / "webpage.css").read_text("utf-8")
    return common + "\n".join(_kind_css())


def _kind_css() -> Iterator[str]:
    for kind, style in KIND_STYLES.items():
        dashes = ",".join(map(str, style.dashes)) or "none"
        yield f".redactlib g.{kind} polygon{{stroke:{style.colour};fill:{style.colour};stroke-dasharray:{dashes}}}"
        yield f".redactlib g.{kind} text{{fill:{style.colour}}}"
        line = "solid" if not style.dashes else "dotted" if style.dashes[0] <= 2 else "dashed"
        yield f".redactlib .key.{kind}{{border:2px {line} {style.colour};background:{style.colour}22}}"
        yield f"body:has(#show-{kind}:not(:checked)) svg g.{kind}{{display:none}}"
