"""The dark rim of a felt pen's stroke: it goes on where the copy has lost the grey between.

A stroke that lets the words show is grey, and a bitonal copy leaves of it what was dark enough: often only a part of
its length has the dots of a screen. Its edges, where the ink gathers as it dries, are black from end to end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from redactlib.marks import Box
from redactlib.scan import Scan


@dataclass(frozen=True)
class RimSettings:
    """How an edge is followed, on paper."""

    step_mm: float = 0.25  # of the pen's way that is looked at in one go
    stray_mm: float = 0.3  # how far an edge moves up or down from one step to the next
    back_mm: float = 2.0  # within the box, from its end, where the edges are taken up
    found_strays: float = 3.0  # by how many times `stray_mm` the edge may be off before it is first seen
    lost_mm: float = 3.0  # without ink, beyond the box: it is followed no farther
    start_mm: float = 1.2  # how far from the side of the box, which is the middle of a wavy edge, it is at its ends
    seen_min: float = 0.88  # share of the way along which there is ink, on both edges
    reach_mm: float = 190.0  # no stroke is longer than a line
    gap_mm: float = 1.0  # along which an edge is lost; one may be longer than the other by as much


def to_rim(box: Box, scan: Scan, *, settings: RimSettings = RimSettings()) -> Box:
    """A stroke's box, as long as both of its edges can be followed."""
    x0, y0, x1, y1 = box
    step = max(1, round(scan.mm(settings.step_mm)))
    reach, stray = round(scan.mm(settings.reach_mm)), scan.mm(settings.stray_mm)
    pad = round(scan.mm(settings.start_mm))
    top, bottom = max(0, y0 - pad), min(scan.height, y1 + pad)
    ends = []
    back = min((x1 - x0) // 2, round(settings.back_mm / settings.step_mm) * step)
    for band in (
        scan.ink[top:bottom, x1 - back : x1 + reach],
        scan.ink[top:bottom, max(0, x0 - reach) : x0 + back][:, ::-1],
    ):
        count = band.shape[1] // step
        inked = np.asarray(band[:, : count * step].reshape(len(band), count, step).any(2))
        upper, lower = (_followed(inked, y - top, back // step, stray, settings) for y in (y0, y1))
        ends.append(max(0, step * _end(upper, lower, settings) - back))
    return (max(0, x0 - ends[1]), y0, min(scan.width, x1 + ends[0]), y1)


def _followed(inked: np.ndarray, start: float, known: int, stray: float, settings: RimSettings) -> np.ndarray:
    """At which steps there is ink where the edge may be that begins at height `start`; bool ``(n,)``."""
    seen = np.zeros(inked.shape[1], bool)
    y, off = float(start), settings.found_strays * stray
    lost = round(settings.lost_mm / settings.step_mm)
    for i, column in enumerate(inked.T):
        low, high = max(0, int(np.ceil(y - off))), int(y + off) + 1
        at = np.flatnonzero(column[low:high])
        seen[i] = len(at) > 0
        if len(at):
            y, off = float(low + at[np.abs(low + at - y).argmin()]), stray
        elif i > known + lost and not seen[i - lost : i].any():
            break
    return seen


def _end(upper: np.ndarray, lower: np.ndarray, settings: RimSettings) -> int:
    """How many steps both edges go on with few gaps, none of them long."""
    steps, end = np.arange(1, len(upper) + 1), len(upper)
    gap = max(1, round(settings.gap_mm / settings.step_mm))
    for seen in (upper, lower):
        since = steps - np.maximum.accumulate(np.where(seen, steps, 0))
        end = min([end, *np.flatnonzero(since > gap)[:1]])
    whole = [np.cumsum(seen[:end]) >= settings.seen_min * steps[:end] for seen in (upper, lower)]
    both = np.flatnonzero(whole[0] & whole[1] & (upper[:end] | lower[:end]))
    return int(both[-1]) + 1 if len(both) else 0
