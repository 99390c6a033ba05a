"""Why a headline is what it is: headline, event, stamp, aligned legend, fields, characters with their probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redactlib import marks as m

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from redactlib.report import PageReport


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a page's headline is what it is: ``str()`` gives the text, `plot` the figure, a notebook shows both."""

    report: PageReport

    def __str__(self) -> str:
        return "\n".join(_lines(self.report))

    def plot(self) -> Figure:
        """The figure: stamp, its aligned legend, its fields, the candidates for the date."""
        from redactlib.display import plot_explanation

        return plot_explanation(self.report)

    def _repr_html_(self) -> str:
        from redactlib.webpage import explanation_html

        return explanation_html(self)


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
    rows = [row.values() if isinstance(row, dict) else row for row in value] if isinstance(value, list | tuple) else []
    return [tuple(row) for row in rows if not isinstance(row, str | int | float | None)]


def evidence_text(cell: Any) -> str:
    """A cell of :func:`evidence_rows` as text, probabilities with three digits."""
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def _lines(report: PageReport) -> Iterator[str]:
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
    if said.authority is None:
        for candidate in evidence_rows(said.evidence, "candidates"):
            yield "  not sure enough: " + ", ".join(map(evidence_text, candidate))
    yield from (f"  warning: {warning}" for warning in report.warnings)


def _event_line(event: m.Event) -> str:
    written = f" from {'handwritten' if event.date_handwritten else 'printed'} {event.date_text!r}" * bool(
        event.date_text
    )
    parts = (event.decision.replace("_", " "), event.agency, event.office, event.legal_basis, event.case)
    said = ", ".join(part for part in parts if part)
    return f"{said}, {event.date or 'undated'}{written}{', struck out' * event.struck} ({event.confidence:.2f})"
