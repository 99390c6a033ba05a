"""Truth against reports: what was found, what was missed, what was made up, and how far a confidence can be trusted.

A folder of truth holds page images with ``NAME.truth.json`` beside each; a report belongs to the truth whose image has
the file name of the report's source. Built like mir_eval (Raffel et al. 2014): truth is validated when it is read, each
metric is a function of one page's truth and report, and :func:`evaluate` adds the pages up before it divides.

How marks are matched, always one to one and as many as can be:

=============  ====================================================================================================
stamps         IoU of at least 0.5
codes          IoU of at least 0.2 and the same code, punctuation and case aside
redactions     IoU of at least 0.5; and by area, as unions of boxes
handwriting    by ink: dark pixels in the union of boxes, so that it does not matter how notes are grouped
brackets       same side, centres within 0.6 of the larger height
events         the boxes' IoU is at least 0.3, agency and date are the same
headline       agency and date of the page, against the rule applied to the labelled stamps
=============  ====================================================================================================

What was found with more than half of its area in a region labelled ``ignore`` counts neither way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from redactlib.errors import ReportError
from redactlib.marks import DECISIVE, REVIEW, Box, Bracket, Event, Mark, area, intersection, iou
from redactlib.report import ImageInfo, PageReport, Source

EVENT_DECISIONS = DECISIVE | REVIEW | {"retained", "denied", "classified"}
LABEL_KINDS = ("stamp", "code", "redaction", "handwriting", "bracket", "ignore")

Figures = dict[str, dict[str, float]]
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, kw_only=True)
class Label:
    """One labelled mark: its kind and box, and what its kind asks for; ``ignore`` is a region that does not count."""

    kind: str
    box: Box
    family: str | None = None
    decision: str | None = None
    agency: str | None = None
    date: str | None = None
    code: str | None = None
    style: str | None = None
    side: str | None = None
    form: str | None = None
    handwritten: bool = False
    struck: bool = False


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The labels of one page image."""

    image: Path
    labels: tuple[Label, ...]

    def of(self, kind: str) -> list[Label]:
        return [label for label in self.labels if label.kind == kind]

    @property
    def event_labels(self) -> list[Label]:
        return [stamp for stamp in self.of("stamp") if stamp.decision in EVENT_DECISIONS]

    def counts(self, box: Box) -> bool:
        """Whether something found here is judged at all."""
        return all(intersection(box, label.box) <= 0.5 * max(1, area(box)) for label in self.of("ignore"))


def load_truth(path: str | Path) -> Truth:
    """Read and validate one ``NAME.truth.json``; raises :class:`ReportError` naming the wrong label."""
    path = Path(path)
    try:
        data = json.loads(path.read_text("utf-8"))
        image, rows = path.parent / data["image"], data["marks"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"{path}: expected a truth file with 'image' and 'marks' ({error!r})") from error
    if not image.is_file():
        raise ReportError(f"{path}: its image {image.name} is not beside it")
    return Truth(image=image, labels=tuple(_label(row, f"{path}: marks[{i}]") for i, row in enumerate(rows)))


def _label(row: Any, where: str) -> Label:
    if not isinstance(row, dict) or row.get("kind") not in LABEL_KINDS:
        raise ReportError(f"{where}: expected an object with a 'kind' out of {', '.join(LABEL_KINDS)}")
    box = row.get("box")
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, int) for v in box):
        raise ReportError(f"{where}.box: expected four integers, got {box!r}")
    said = {
        name: row.get(name) or None
        for name in ("family", "decision", "agency", "date", "code", "style", "side", "form")
    }
    return Label(
        kind=row["kind"],
        box=(box[0], box[1], box[2], box[3]),
        handwritten=_yes(row.get("datehand")) or _yes(row.get("hand")),
        struck=_yes(row.get("struck")),
        **said,
    )


def _yes(value: Any) -> bool:
    return str(value).lower() in ("yes", "true", "1")


# --- matching and adding up -------------------------------------------------------------------------------------------


def match(truth: Sequence[A], found: Sequence[B], fits: Callable[[A, B], bool]) -> list[tuple[int, int]]:
    """The largest one-to-one pairing of two lists, as pairs of indices: augmenting paths (Kuhn 1955).

    >>> sorted(match([1, 2], [2, 1, 2], lambda t, f: t == f))
    [(0, 1), (1, 0)]
    """
    edges = [[j for j, f in enumerate(found) if fits(t, f)] for t in truth]
    owner: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in edges[i]:
            if j not in tried:
                tried.add(j)
                if j not in owner or place(owner[j], tried):
                    owner[j] = i
                    return True
        return False

    for i in range(len(truth)):
        place(i, set())
    return [(i, j) for j, i in owner.items()]


@dataclass(frozen=True)
class Agreement:
    """Hits among what is true and what was found; becomes precision, recall and F1."""

    hits: int
    truth: int
    found: int

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(self.hits + other.hits, self.truth + other.truth, self.found + other.found)

    def figures(self) -> dict[str, float]:
        precision = self.hits / self.found if self.found else float(not self.truth)
        recall = self.hits / self.truth if self.truth else 1.0
        both = precision + recall
        f1 = 2 * precision * recall / both if both else 0.0
        return {"P": _short(precision), "R": _short(recall), "F1": _short(f1), "truth": self.truth, "found": self.found}


@dataclass(frozen=True)
class Shares:
    """How many of `n` have a property, for one or several named properties."""

    n: int
    counts: Mapping[str, int]

    def __add__(self, other: Shares) -> Shares:
        return Shares(self.n + other.n, {name: count + other.counts[name] for name, count in self.counts.items()})

    def figures(self) -> dict[str, float]:
        return {name: _short(count / max(1, self.n)) for name, count in self.counts.items()} | {"n": self.n}


Tally = Mapping[str, Agreement | Shares]


def _short(value: float) -> float:
    return round(value, 4)


def _recalls(name: str, groups: Sequence[str], hits: Iterable[int]) -> dict[str, Shares]:
    """Recall by group: `groups` says for each truth where it belongs."""
    hit = set(hits)
    return {
        f"{name}_recall_{group}": Shares(groups.count(group), {"R": sum(groups[i] == group for i in hit)})
        for group in dict.fromkeys(groups)
    }


# --- one metric each --------------------------------------------------------------------------------------------------


def same_box(truth: Label, found: Mark) -> bool:
    return iou(truth.box, found.box) >= 0.5


def same_code(truth: Label, found: Any) -> bool:
    def plain(code: str | None) -> str:
        return re.sub(r"[^a-z0-9]", "", (code or "").lower())

    return iou(truth.box, found.box) >= 0.2 and plain(truth.code) == plain(found.code)


def same_bracket(truth: Label, found: Bracket) -> bool:
    a, b = truth.box, found.box
    reach = 0.6 * max(a[3] - a[1], b[3] - b[1])
    apart = (abs(a[0] + a[2] - b[0] - b[2]) / 2, abs(a[1] + a[3] - b[1] - b[3]) / 2)
    return truth.side == found.side and max(apart) <= reach


def same_event(truth: Label, found: Event) -> bool:
    told = (truth.agency, truth.date) == (found.agency, found.date)
    return told and iou(truth.box, found.box) >= 0.3


def found_of(truth: Truth, report: PageReport, kind: str) -> list[Any]:
    """The report's marks of one kind (``event``: its events) that are judged."""
    if kind == "event":
        return [e for e in report.events if e.decision in EVENT_DECISIONS and truth.counts(e.box)]
    return [mark for mark in report.marks if mark.kind == kind and truth.counts(mark.box)]


def stamp_metric(truth: Truth, report: PageReport) -> Tally:
    """Stamps found, their families told, recall by use."""
    labels, found = truth.of("stamp"), found_of(truth, report, "stamp")
    pairs = match(labels, found, same_box)
    told = sum(labels[i].family == found[j].family for i, j in pairs)

    def use(label: Label) -> str:
        if label.family in ("classification", "admin"):
            return str(label.family)
        return "release" if label.decision in EVENT_DECISIONS else "provenance"

    return {
        "stamp": Agreement(len(pairs), len(labels), len(found)),
        "stamp_family": Shares(len(pairs), {"accuracy": told}),
        **_recalls("stamp", [use(label) for label in labels], (i for i, _ in pairs)),
    }


def event_metric(truth: Truth, report: PageReport) -> Tally:
    """Events found with agency and date right, recall by how the date is written."""
    labels, found = truth.event_labels, found_of(truth, report, "event")
    pairs = match(labels, found, same_event)
    decided = sum(labels[i].decision == found[j].decision for i, j in pairs)
    dates = ["handdate" if label.handwritten else "printdate" if label.date else "undated" for label in labels]
    return {
        "event": Agreement(len(pairs), len(labels), len(found)),
        "event_decision": Shares(len(pairs), {"accuracy": decided}),
        **_recalls("event", dates, (i for i, _ in pairs)),
    }


def true_headline(truth: Truth) -> tuple[set[str | None], str | None] | None:
    """Agencies and date that the page's headline should have; several agencies where stamps of one date tie."""
    live = [stamp for stamp in truth.of("stamp") if not stamp.struck]
    for decisions in (DECISIVE, REVIEW):
        group = [stamp for stamp in live if stamp.decision in decisions]
        dated = [stamp for stamp in group if stamp.date]
        if dated:  # a month without its day counts as the month's end
            date = max((str(stamp.date) for stamp in dated), key=lambda d: d + "-99-99"[: 10 - len(d)])
            return {stamp.agency for stamp in dated if stamp.date == date}, date
        if group:
            return {stamp.agency for stamp in group}, None
    return None


def headline_metric(truth: Truth, report: PageReport) -> Tally:
    """Authority and date of the page; on a page that has none, whether one was invented."""
    wanted, agency = true_headline(truth), report.authority.agency if report.authority else None
    if wanted is None:
        return {"no_headline": Shares(1, {"invented": bool(agency or report.date)})}
    right_agency, right_date = agency in wanted[0], report.date == wanted[1]
    both = right_agency and right_date
    counts = {"both": both, "agency": right_agency, "date": right_date, "wrong": bool(agency) and not both}
    return {"headline": Shares(1, counts)}


def code_metric(truth: Truth, report: PageReport) -> Tally:
    """Exemption codes at their place, recall for printed and handwritten ones."""
    labels, found = truth.of("code"), found_of(truth, report, "code")
    pairs = match(labels, found, same_code)
    hands = ["hand" if label.handwritten else "print" for label in labels]
    return {
        "code": Agreement(len(pairs), len(labels), len(found)),
        **_recalls("code", hands, (i for i, _ in pairs)),
    }


def redaction_metric(truth: Truth, report: PageReport) -> Tally:
    """Redactions one by one, recall by style, and false ones on pages that have none."""
    labels, found = truth.of("redaction"), found_of(truth, report, "redaction")
    pairs = match(labels, found, same_box)
    clean = {} if labels else {"redaction_free_page": Shares(1, {"false_per_page": len(found)})}
    return {
        "redaction": Agreement(len(pairs), len(labels), len(found)),
        **_recalls("redaction", [str(label.style) for label in labels], (i for i, _ in pairs)),
        **clean,
    }


def pixel_metric(truth: Truth, report: PageReport) -> Tally:
    """Redacted area, and ink of handwriting, pixel by pixel."""
    image = cv2.imread(str(truth.image), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ReportError(f"{truth.image}: cannot be read as an image")

    def mask(boxes: Iterable[Box]) -> np.ndarray:
        inside = np.zeros(image.shape, bool)
        for x0, y0, x1, y1 in boxes:
            inside[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
        return inside

    judged = ~mask(label.box for label in truth.of("ignore"))

    def agreement(kind: str, where: np.ndarray) -> Agreement:
        true = mask(label.box for label in truth.of(kind)) & where
        found = mask(mark.box for mark in found_of(truth, report, kind)) & where
        return Agreement(int((true & found).sum()), int(true.sum()), int(found.sum()))

    ink = agreement("handwriting", judged & (image < 128))
    return {"redaction_area": agreement("redaction", judged), "handwriting_ink": ink}


def bracket_metric(truth: Truth, report: PageReport) -> Tally:
    """Square brackets, recall for drawn and typed ones."""
    labels, found = truth.of("bracket"), found_of(truth, report, "bracket")
    pairs = match(labels, found, same_bracket)
    return {
        "bracket": Agreement(len(pairs), len(labels), len(found)),
        **_recalls("bracket", [str(label.form) for label in labels], (i for i, _ in pairs)),
    }


METRICS = (
    stamp_metric,
    event_metric,
    headline_metric,
    code_metric,
    redaction_metric,
    pixel_metric,
    bracket_metric,
)


# --- a whole folder ---------------------------------------------------------------------------------------------------


def evaluate(truth_dir: str | Path, reports: Iterable[PageReport]) -> Figures:
    """All figures of a folder of labelled pages; a page without a report counts as one where nothing was found.

    Args:
        truth_dir: holds images with ``NAME.truth.json`` beside them.
        reports: page reports, such as :func:`redactlib.report.read_reports` yields.

    Returns:
        Figure by name, each with its parts: ``P``, ``R``, ``F1``, ``truth`` and ``found``, or shares of ``n``.

    Raises:
        ReportError: a truth file is wrong, or the folder holds none.
    """
    total: dict[str, Any] = {}
    pages = missing = 0
    for truth, report in _paired(truth_dir, reports):
        pages, missing = pages + 1, missing + (report is None)
        for metric in METRICS:
            for name, part in metric(truth, report or _nothing(truth)).items():
                total[name] = total[name] + part if name in total else part
    return {"pages": {"total": pages, "missing": missing}} | {name: part.figures() for name, part in total.items()}


def _paired(truth_dir: str | Path, reports: Iterable[PageReport]) -> Iterator[tuple[Truth, PageReport | None]]:
    by_name = {Path(report.source.path).name: report for report in reports if report.source.path}
    paths = sorted(Path(truth_dir).glob("*.truth.json"))
    if not paths:
        raise ReportError(f"{truth_dir}: holds no NAME.truth.json; give the folder of the labelled pages")
    for path in paths:
        truth = load_truth(path)
        yield truth, by_name.get(truth.image.name)


def _nothing(truth: Truth) -> PageReport:
    return PageReport(source=Source(path=truth.image.name), image=ImageInfo(width=1, height=1, dpi=1))


def format_table(figures: Figures) -> str:
    """Figures as text, one a line.

    >>> print(format_table({"code": {"P": 0.5, "n": 4}, "pages": {"total": 9}}))
    code      P 0.500   n     4
    pages     total     9
    """
    width = max(map(len, figures), default=0) + 5
    rows = []
    for name in sorted(figures):
        cells = [f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v:5d}" for k, v in figures[name].items()]
        rows.append(name.ljust(width) + "   ".join(cells))
    return "\n".join(rows)


# --- calibration ------------------------------------------------------------------------------------------------------

SAME: dict[str, Callable[[Label, Any], bool]] = {
    "stamp": same_box,
    "event": same_event,
    "code": same_code,
    "redaction": same_box,
    "bracket": same_bracket,
}


def judgements(truth_dir: str | Path, reports: Iterable[PageReport], *, of: str = "headline") -> np.ndarray:
    """Every answer's confidence and whether it was right: float64 ``(n, 2)``.

    `of` is ``headline`` (one answer a page that has one), ``event``, ``stamp``, ``code``, ``redaction`` or ``bracket``.
    Pages without a report are passed over.
    """
    rows: list[tuple[float, bool]] = []
    for truth, report in _paired(truth_dir, reports):
        if report is None:
            continue
        if of != "headline":
            labels, found = truth.event_labels if of == "event" else truth.of(of), found_of(truth, report, of)
            right = {j for _, j in match(labels, found, SAME[of])}
            rows += [(one.confidence, j in right) for j, one in enumerate(found)]
        elif report.authority and report.declassification.confidence is not None:
            wanted = true_headline(truth)
            both = wanted is not None and report.authority.agency in wanted[0] and report.date == wanted[1]
            rows.append((report.declassification.confidence, both))
    return np.array(rows, np.float64).reshape(-1, 2)


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Answers of about the same confidence, and how many of them were right; arrays of one entry a bin that has any.

    Attributes:
        confidence: mean confidence of the bin, 0..1; `right`: share of right answers; `n`: how many answers.
        error: expected calibration error: mean distance of the two, weighed by `n` (Guo et al. 2017).
    """

    confidence: np.ndarray
    right: np.ndarray
    n: np.ndarray

    @property
    def error(self) -> float:
        return float(np.average(np.abs(self.confidence - self.right), weights=self.n)) if self.n.size else 0.0


def reliability(judged: np.ndarray, *, bins: int = 10) -> Reliability:
    """Sort judgements into bins of equal width by confidence.

    >>> curve = reliability(np.array([[0.95, 1], [0.91, 1], [0.92, 0], [0.35, 0]]))
    >>> curve.n.tolist(), curve.right.round(2).tolist(), round(curve.error, 2)
    ([1, 3], [0.0, 0.67], 0.28)
    """
    which = np.minimum((judged[:, 0] * bins).astype(int), bins - 1)
    n = np.bincount(which, minlength=bins)
    kept = n > 0
    means = [np.bincount(which, judged[:, column], minlength=bins)[kept] / n[kept] for column in (0, 1)]
    return Reliability(confidence=means[0], right=means[1], n=n[kept])
