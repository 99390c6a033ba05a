"""Figures: a page with its marks, what was proposed and rejected, codes, calibration, why a headline is what it is.

The only module that needs matplotlib. Every function draws on the axes that it is given, or on new ones, and returns
them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon

from redactlib.compare import Comparison
from redactlib.detect.code import CodeProposal, propose_codes
from redactlib.detect.proposal import Proposal
from redactlib.detect.redaction import find_redactions, propose_redactions
from redactlib.evaluate import Reliability
from redactlib.explain import deciding, evidence_rows
from redactlib.layers import separate
from redactlib.marks import Box
from redactlib.reading import PageText, default_reader, read_page
from redactlib.report import PageReport
from redactlib.scan import Scan
from redactlib.webpage import KIND_STYLES, printable

PAGE_INCHES = 9.0  # height of a page's figure: type of 10 points can still be told
DISPLAY_PX = 1600  # pages are shrunk to this height first: matplotlib drops hairlines


def plot_page(report: PageReport, *, ax: Axes | None = None) -> Axes:
    """Draw a page with its marks in the colours of their kinds, headline on top."""
    ax = _page_axes(report.load_image(), report.image.width, report.image.height, ax)
    for mark in report.marks:
        style = KIND_STYLES[mark.kind]
        points = getattr(mark, "polygon", ()) or _corners(mark.box)
        _outline(ax, points, style.colour, style.dashes)
        ax.text(mark.box[0], mark.box[1], mark.id, color=style.colour, fontsize=6, va="bottom")
    found = [kind for kind in KIND_STYLES if any(mark.kind == kind for mark in report.marks)]
    keys = [Patch(fc="none", ec=KIND_STYLES[kind].colour, label=KIND_STYLES[kind].plural) for kind in found]
    if keys:
        ax.legend(handles=keys, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=5, frameon=False, fontsize=8)
    ax.set_title(_plain_text(report.declassification.headline), fontsize=10)
    return ax


def plot_redactions(scan: Scan, proposals: Sequence[Proposal] | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw what was proposed as a redaction: what stands in full lines with its style, the rest with why it is none.

    Args:
        scan: the page; it is drawn upright.
        proposals: judged proposals of the upright page; made here if they are not given.
    """
    if proposals is None:
        scan, text = _read_upright(scan)
        proposals = propose_redactions(scan, separate(scan), text)
    ax = _page_axes(scan.image, scan.width, scan.height, ax)
    for proposal in sorted(proposals, key=lambda proposal: proposal.reason is None):
        said = f"{proposal.style} {proposal.score:.2f}"
        _propose(ax, "redaction", proposal.polygon or _corners(proposal.box), said, proposal.reason)
    standing = sum(proposal.reason is None for proposal in proposals)
    ax.set_title(f"{standing} redactions, {len(proposals) - standing} proposals rejected", fontsize=10)
    return ax


def plot_code_proposals(scan: Scan, proposals: Sequence[CodeProposal] | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw what has the form of a code: codes in full lines with what makes them one, the rest with why it is none.

    Args:
        scan: the page; it is drawn upright.
        proposals: judged proposals of the upright page; made here if they are not given.
    """
    if proposals is None:
        scan, text = _read_upright(scan)
        layers = separate(scan)
        found = find_redactions(scan, layers, text)
        proposals = propose_codes(scan, layers, text, default_reader(), found)
    ax = _page_axes(scan.image, scan.width, scan.height, ax)
    for proposal in sorted(proposals, key=lambda proposal: proposal.reason is None):
        said = f"{proposal.code} {proposal.confidence:.2f}: {proposal.because}"
        _propose(ax, "code", _corners(proposal.box), said, proposal.reason and f"{proposal.text}: {proposal.reason}")
    standing = sum(proposal.reason is None for proposal in proposals)
    ax.set_title(f"{standing} codes, {len(proposals) - standing} strings that only look like codes", fontsize=10)
    return ax


def plot_codes(table: Sequence[dict[str, Any]], *, ax: Axes | None = None) -> Axes:
    """Draw a table of codes (`codes_table()` of a report) as bars, one colour a law; each says what it hides.

    >>> ax = plot_codes([{"code": "(b)(1)", "regime": "FOIA", "count": 3, "chars_hidden": 116}])
    >>> [label.get_text() for label in (*ax.get_yticklabels(), *ax.texts)]
    ['(b)(1)', '3, hides 116 characters']
    """
    ax = ax or plt.subplots(figsize=(7, 1.2 + 0.28 * max(1, len(table))), layout="constrained")[1]
    laws = list(dict.fromkeys(row["regime"] or "law unknown" for row in table))
    palette = plt.get_cmap("tab10")
    places = {row["code"]: -i for i, row in enumerate(table)}
    for number, law in enumerate(laws):
        rows = [row for row in table if (row["regime"] or "law unknown") == law]
        bars = ax.barh(
            [places[row["code"]] for row in rows],
            [row["count"] for row in rows],
            color=palette(number % 10),
            label=_plain_text(law),
        )
        hidden = [row.get("chars_hidden") for row in rows]
        labels = [
            f"{row['count']}" + f", hides {chars} characters" * (chars is not None)
            for row, chars in zip(rows, hidden, strict=True)
        ]
        ax.bar_label(bars, labels=labels, padding=3, fontsize=8)
    ax.set_yticks([*places.values()], [_plain_text(code) for code in places])
    ax.set_xlabel("marks")
    ax.margins(x=0.4)  # room for what the bars say
    ax.spines[["top", "right"]].set_visible(False)
    if laws:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False)
    return ax


def plot_reliability(curve: Reliability, *, ax: Axes | None = None) -> Axes:
    """Draw how many answers of a confidence were right; on the diagonal, confidence is what it claims to be."""
    ax = ax or plt.subplots(figsize=(4.6, 4.6), layout="constrained")[1]
    ax.plot([0, 1], [0, 1], color="#999999", lw=1, ls=(0, (4, 3)))
    # one standard error of a share of n answers: few answers prove little
    spread = np.sqrt(np.maximum(curve.right * (1 - curve.right), 0.25 / curve.n) / curve.n)
    ax.errorbar(curve.confidence, curve.right, yerr=spread, fmt="o-", color=KIND_STYLES["stamp"].colour, capsize=2)
    for x, y, n in zip(curve.confidence, curve.right, curve.n, strict=True):
        ax.annotate(str(n), (x, y), xytext=(5, -11), textcoords="offset points", fontsize=8, color="#444444")
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share that is right", aspect="equal")
    ax.set_title(f"{int(curve.n.sum())} answers, calibration error {curve.error:.3f}", fontsize=10)
    return ax


CHANGES = {"kept": "#5a5a5a", "lifted": "#00795a", "narrowed": "#0067a5", "widened": "#8a6500", "added": "#b34a00"}


def plot_comparison(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw the later of two releases with what became of each redaction."""
    after = comparison.after
    ax = _page_axes(after.load_image(), after.image.width, after.image.height, ax)
    for change in comparison.changes:
        _outline(ax, _corners(change.box), CHANGES[change.kind], (2, 2) if change.kind == "kept" else ())
        ax.text(change.box[0], change.box[1], change.kind, color=CHANGES[change.kind], fontsize=6, va="bottom")
    counts = Counter(change.kind for change in comparison.changes)
    ax.set_title(
        ", ".join(f"{counts[kind]} {kind}" for kind in CHANGES if counts[kind]) or "no redactions", fontsize=10
    )
    return ax


def plot_explanation(report: PageReport) -> Figure:
    """Draw why the headline is what it is: for each event that decides the mark, the legend as read, the date."""
    decisive = deciding(report)
    figure = plt.figure(figsize=(10, 0.8 + 3.2 * max(1, len(decisive))), layout="constrained")
    figure.suptitle(_plain_text(report.declassification.headline), fontsize=11)
    image = report.load_image()
    grid = figure.subplots(max(1, len(decisive)), 3, squeeze=False, width_ratios=(4, 4, 2.2))
    for axes in grid.ravel():
        axes.axis("off")
    if not decisive:
        grid[0, 0].text(0, 0.5, "no event decides for this page")
    for (event, stamp), (mark, legend, dates) in zip(decisive, grid, strict=False):
        if image is not None:
            x0, y0, x1, y1 = event.box
            mark.imshow(image[max(0, y0) : y1, max(0, x0) : x1], cmap="gray", vmin=0, vmax=255)
        mark.set_title(f"{event.mark or event.id}" + (f", {stamp.family}" if stamp else ""), fontsize=9)
        evidence = (stamp.evidence if stamp else {}) | event.evidence
        lines = [f"{row[0]}\n   read: {row[1]}" for row in evidence_rows(evidence, "legend") if len(row) >= 2]
        lines += [f"{row[0]} = {row[1]}" for row in evidence_rows(evidence, "fields") if len(row) == 2]
        legend.text(0, 1, _plain_text("\n".join(lines)), va="top", fontsize=8, family="monospace", wrap=True)
        legend.set_title("legend and fields", fontsize=9)
        rows = [row for row in evidence_rows(evidence, "date", "candidates") if len(row) == 2]
        odds = {_plain_text(str(date)): odd for date, odd in rows[:6] if isinstance(odd, int | float)}
        if odds:
            dates.axis("on")
            dates.barh([*odds][::-1], [*odds.values()][::-1], color=KIND_STYLES["stamp"].colour)
            dates.set(xlim=(0, 1), ylim=(len(odds) - 5.5, len(odds) - 0.5))
            dates.set_title("date, probability", fontsize=9)
            dates.spines[["top", "right"]].set_visible(False)
    return figure


def _read_upright(scan: Scan) -> tuple[Scan, PageText]:
    text = read_page(scan.grey, default_reader())
    turn = text.quarter_turns
    return scan.upright(turn), text.turned(turn, scan.width, scan.height) if turn else text


def _propose(ax: Axes, kind: str, points: Sequence[tuple[int, int]], said: str, reason: str | None) -> None:
    """Outline a proposal with what it is or, where it is rejected, why."""
    colour = KIND_STYLES[kind].colour if reason is None else "#5a5a5a"
    _outline(ax, points, colour, () if reason is None else (2, 2))
    x, y = points[0]
    ax.text(x, y, _plain_text(said if reason is None else reason), color=colour, fontsize=6, va="bottom")


def _page_axes(image: np.ndarray | None, width: int, height: int, ax: Axes | None) -> Axes:
    if ax is None:
        ax = plt.subplots(figsize=(PAGE_INCHES * width / height, PAGE_INCHES), layout="constrained")[1]
    if image is not None:
        scale = min(1.0, DISPLAY_PX / height)
        shown = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        ax.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=(0, width, height, 0))
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=(), yticks=())
    return ax


def _corners(box: Box) -> tuple[tuple[int, int], ...]:
    x0, y0, x1, y1 = box
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _outline(ax: Axes, points: Sequence[tuple[int, int]], colour: str, dashes: tuple[int, ...]) -> None:
    ax.add_patch(Polygon(points, closed=True, fc=colour + "1f", ec=colour, lw=1.2, ls=(0, dashes) if dashes else "-"))


def _plain_text(text: str) -> str:
    """Text of a page is never mathematics: matplotlib would set what stands between two dollar signs."""
    return printable(text).replace("$", r"\$")
