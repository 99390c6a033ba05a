"""Worn stamps that stand on their side, read line by line as the legend that they most probably say.

Of such a stamp the line detector finds pieces. They show where its lines lie; each is read from end to end, and of the
lines of all often worn markings it is asked how much less probable they are there than the best guess (CTC, the best
path; Graves et al. 2006). A marking is read where two of its lines stand in order that cost little, and far less than
the same letters in other orders: where nothing can be read all cost little.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz

from redactlib.catalogue.markings import markings
from redactlib.detect.closer import soften
from redactlib.marks import area, intersection
from redactlib.reading import ALPHABET, Reader, Reading, TextLine, crop_line, text_line
from redactlib.scan import Scan

_LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class SidewaysSettings:
    """Which pieces on their side are a stamp's, and when its lines say a legend; costs in nats.

    Lengths are in heights of the pieces.
    """

    upright_min: float = 0.98  # sine of their angle to the page's lines
    height_min_mm: float = 1.8
    length_min: float = 1.3
    sure: float = 0.93  # confidence of a piece that says what it was read as
    gap_across: float = 0.8  # between pieces of one stamp
    gap_along: float = 3.0
    rows_max: int = 8
    stamps_max: int = 3  # read at most, those of most letters first: 40 ms a line
    stamp_letters_min: int = 10  # in the pieces of a stamp
    sure_share: float = 0.9  # of them: a stamp so well read needs no second look
    row_step: float = 0.5  # pieces that differ by less across stand on one line
    letters: int = 24  # of the longest line: a stamp may be so many letters wide whatever its pieces are
    ink_gap: float = 2.0  # between words of a line
    blur_mm: float = 0.1  # closes the gaps of dotted letters
    blur_gain: float = 1.8  # makes them dark again
    letters_min: int = 9  # of a legend's line: shorter words fit anywhere
    cost_max: float = 2.0  # of a letter, against the best guess: prose costs 2 and more
    lead_min: float = 12.0  # over the same letters in another order
    lead_sum_min: float = 50.0  # of a marking's lines together
    orders: int = 4  # other orders tried
    rival_min: float = 80.0  # in a hundred: another marking's line so alike must not cost less a letter
    beginning_max: float = 3.0  # cost of a single word's first two letters
    floor: float = 1e-5  # probability of what the recogniser holds impossible


def read_sideways(
    scan: Scan, pieces: Sequence[TextLine], reader: Reader, *, settings: SidewaysSettings = SidewaysSettings()
) -> list[TextLine]:
    """Lines of a page with those of worn stamps on their side read from end to end, where they say a legend.

    Args:
        scan: the page, upright.
        pieces: lines as read; those that a line read anew covers are left out.
        reader: reads lines carefully.
    """
    found = list(pieces)
    for stamp in _pieces_of_stamps(scan, pieces, settings):
        rows = _rows(scan, stamp, settings)
        if 2 <= len(rows) <= settings.rows_max:
            readings = reader.read(
                [soften(crop_line(scan.grey, c), scan.mm(settings.blur_mm), settings.blur_gain) for c in rows],
                careful=True,
            )
            legend = _as_one_legend(readings, settings)
            lines = [text_line(corners, said) for corners, said in zip(rows, legend, strict=True) if said is not None]
            found = [p for p in found if not any(intersection(p.box, line.box) > 0.5 * area(p.box) for line in lines)]
            found += lines
    return found


def _pieces_of_stamps(scan: Scan, pieces: Sequence[TextLine], settings: SidewaysSettings) -> list[list[TextLine]]:
    """Pieces on their side that stand close together, some of them doubtful."""
    side = [p for p in pieces if p.height >= scan.mm(settings.height_min_mm) and _is_on_side(p, settings)]
    group = list(range(len(side)))
    for i, a in enumerate(side):
        for j, b in enumerate(side[:i]):
            height = min(a.height, b.height)
            gaps = [max(a.box[k], b.box[k]) - min(a.box[k + 2], b.box[k + 2]) for k in (0, 1)]
            if gaps[0] < settings.gap_across * height and gaps[1] < settings.gap_along * height:
                group = [group[j] if g == group[i] else g for g in group]
    found = [[p for p, g in zip(side, group, strict=True) if g == number] for number in sorted(set(group))]
    letters = [sum(len(p.text) for p in stamp) for stamp in found]
    sure = [sum(len(p.text) for p in stamp if p.confidence >= settings.sure) for stamp in found]
    worn = [
        (stamp, most)
        for stamp, most, known in zip(found, letters, sure, strict=True)
        if len(stamp) > 1 and most >= settings.stamp_letters_min and known < settings.sure_share * most
    ]
    return [stamp for stamp, _ in sorted(worn, key=lambda item: -item[1])[: settings.stamps_max]]


def _is_on_side(piece: TextLine, settings: SidewaysSettings) -> bool:
    along = piece.corners[1] - piece.corners[0]
    length = float(np.linalg.norm(along))
    return length >= settings.length_min * piece.height and abs(float(along[1])) >= settings.upright_min * length


def _rows(scan: Scan, stamp: Sequence[TextLine], settings: SidewaysSettings) -> list[np.ndarray]:
    """Corners ``(4, 2)`` of a stamp's lines from end to end, in order: they go on as far as there is ink."""
    right = _direction(stamp)
    frame = np.stack([right, (-right[1], right[0])]).astype(np.float32)  # along and down
    height = float(np.median([p.height for p in stamp]))
    best = max(stamp, key=lambda p: p.confidence * len(p.text))
    longest = settings.letters * float(np.linalg.norm(best.corners[1] - best.corners[0])) / max(1, len(best.text))
    ends = np.concatenate([p.corners for p in stamp]) @ right
    low, high = min(ends.min(), ends.max() - longest), max(ends.max(), ends.min() + longest)
    lines: list[list[np.ndarray]] = []  # each the corners of its pieces, along and down
    for piece in sorted((p.corners @ frame.T for p in stamp), key=lambda corners: corners[:, 1].mean()):
        if lines and piece[:, 1].mean() - np.mean(lines[-1], axis=(0, 1))[1] < settings.row_step * height:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    found = []
    for line in lines:
        top = np.mean(line, axis=(0, 1))[1] - height / 2
        strip = crop_line(scan.ink.astype(np.uint8) * 255, _rectangle(low, high, top, height) @ frame)
        first, last = np.min(line, axis=(0, 1))[0] - low, np.max(line, axis=(0, 1))[0] - low
        start, stop = _inked_run(strip, first, last, settings.ink_gap * height)
        found.append(_rectangle(low + start - height / 4, low + stop + height / 4, top, height) @ frame)
    return found


def _direction(stamp: Sequence[TextLine]) -> np.ndarray:
    """Unit vector in which most of a stamp's letters read, up the page or down."""
    alongs = np.array([p.corners[1] - p.corners[0] for p in stamp])
    ways = np.sign(alongs[:, 1])
    votes = ways * [p.confidence * len(p.text) for p in stamp]
    right = (alongs * ways[:, None]).sum(0) * (1.0 if votes.sum() > 0 else -1.0)
    return right / np.linalg.norm(right)


def _rectangle(start: float, stop: float, top: float, height: float) -> np.ndarray:
    return np.array([(start, top), (stop, top), (stop, top + height), (start, top + height)], np.float32)


def _inked_run(strip: np.ndarray, start: float, stop: float, gap: float) -> tuple[float, float]:
    """A stretch of a line's strip grown to both sides over gaps shorter than one length."""
    inked = np.flatnonzero(strip.max(0) > 127)
    for column in inked[inked < start][::-1]:
        if start - column > gap:
            break
        start = float(column)
    for column in inked[inked > stop]:
        if column - stop > gap:
            break
        stop = float(column)
    return start, stop


def _as_one_legend(readings: Sequence[Reading], settings: SidewaysSettings) -> list[Reading | None]:
    """The lines of a block that say two lines or more of one often worn marking, in its order; ``None`` for others."""
    said = [_said(reading, settings) for reading in readings]
    best: dict[int, Reading] = {}
    most = 0.0
    for marking in markings():
        keys = [_plain(literal.text) for literal in marking.literals] if marking.worn else []
        chain: dict[int, Reading] = {}
        total = 0.0
        for key in keys:
            after = max(chain, default=-1) + 1
            lead, row = max(((said[i][key][0], i) for i in range(after, len(said)) if key in said[i]), default=(0.0, 0))
            if lead:
                chain[row] = said[row][key][1]
                total += lead
        if len(chain) > 1 and total >= max(most, settings.lead_sum_min):
            best, most = chain, total
    return [best.get(i) for i in range(len(readings))]


def _said(reading: Reading, settings: SidewaysSettings) -> dict[str, tuple[float, Reading]]:
    """Legends of often worn markings that a line may say: the lead of each over its letters in other orders."""
    legends, keys = _legends(settings.letters_min), _worn_keys(settings.letters_min)
    if reading.lattice is None or not reading.text.strip():
        return {}
    costs = _costs(reading.lattice, settings)
    found = {}
    for key, (cost, first, last) in zip(keys, _align(costs, keys), strict=True):
        if cost <= settings.cost_max * len(key) and not _says_rival(costs, key, cost, settings):
            lead = _lead(costs, legends[key], cost, settings)
            if lead >= settings.lead_min:
                found[key] = (lead, _rewritten(reading, legends[key], first / len(costs), last / len(costs)))
    return found


def _says_rival(costs: np.ndarray, key: str, cost: float, settings: SidewaysSettings) -> bool:
    """Whether a line of a marking that is not so often worn is likelier: OSD HAS NO OBJECTION TO, not CIA."""
    rivals = _rivals(key, settings)
    found = zip(_align(costs, rivals), rivals, strict=True) if rivals else ()
    return any(other / len(rival) < cost / len(key) for (other, _, _), rival in found)


@lru_cache(maxsize=256)
def _rivals(key: str, settings: SidewaysSettings) -> list[str]:
    """Legends of other markings that are alike to one of those that are often worn."""
    others = _legends(settings.letters_min).keys() - set(_worn_keys(settings.letters_min))
    apart = (other for other in others if other not in key and key not in other)
    return sorted(other for other in apart if fuzz.ratio(key, other) >= settings.rival_min)


@lru_cache(maxsize=4)
def _worn_keys(letters_min: int) -> list[str]:
    """Letters of the printed words of often worn markings."""
    legends = _legends(letters_min)
    return sorted({k for row in markings() if row.worn for lit in row.literals if (k := _plain(lit.text)) in legends})


@lru_cache(maxsize=4)
def _legends(letters_min: int) -> dict[str, str]:
    """Letters and figures of the catalogue's printed words, in capitals, and the words as they are printed."""
    words = [literal.text.lstrip("~+ ") for row in markings() for literal in row.literals]
    return {key: text for text in words if len(key := _plain(text)) >= letters_min}


def _plain(text: str) -> str:
    return "".join(c for c in text.upper() if c in _LETTERS)


def _costs(lattice: np.ndarray, settings: SidewaysSettings) -> np.ndarray:
    """What each letter costs at each step against the likeliest, ``(T, 1 + 36)``; signs and gaps count as blank."""
    columns = [1 + _LETTERS.index(c.upper()) if c.upper() in _LETTERS else 0 for c in ALPHABET]
    shares = np.zeros((len(lattice), 1 + len(_LETTERS)))
    np.add.at(shares.T, [0, *columns], lattice.T)
    logs = np.log(np.maximum(shares, settings.floor))
    return logs.max(1, keepdims=True) - logs


def _align(costs: np.ndarray, texts: Sequence[str]) -> list[tuple[float, int, int]]:
    """For each text the cost of its best path through a stretch of the steps, and where that begins and ends."""
    ends = np.array([2 * len(text) - 1 for text in texts])
    labels = np.zeros((len(texts), ends.max() + 2), int)
    for row, text in enumerate(texts):
        labels[row, 1 : 2 * len(text) : 2] = [1 + _LETTERS.index(c) for c in text]
    leap = np.zeros(labels.shape, bool)  # past the blank between two letters that differ
    leap[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    total, began = np.full(labels.shape, np.inf), np.zeros(labels.shape, int)
    rows = np.arange(len(texts))
    best, first, last = np.full(len(texts), np.inf), np.zeros(len(texts), int), np.zeros(len(texts), int)
    for step, here in enumerate(costs):
        reach, since = total.copy(), began.copy()
        for back in (1, 2):
            better = total[:, :-back] < reach[:, back:]
            if back == 2:
                better &= leap[:, 2:]
            reach[:, back:][better] = total[:, :-back][better]
            since[:, back:][better] = began[:, :-back][better]
        fresh = reach[:, 1] > 0  # what stands before costs nothing
        reach[fresh, 1], since[fresh, 1] = 0.0, step
        total, began = reach + here[labels], since
        ending = total[rows, ends]
        ahead = ending < best
        best[ahead], first[ahead], last[ahead] = ending[ahead], began[rows, ends][ahead], step + 1
    return list(zip(best.tolist(), first.tolist(), last.tolist(), strict=True))


def _lead(costs: np.ndarray, text: str, cost: float, settings: SidewaysSettings) -> float:
    """By how much a legend is cheaper than its letters in other orders; a single word is told by how it begins."""
    key = _plain(text)
    if " " not in text and cost - _align(costs, [key[2:]])[0][0] > settings.beginning_max:
        return 0.0  # CLASSIFIED, and who knows whether UN or DE stands before it
    dice = random.Random(key)  # the same orders every time
    others = ["".join(dice.sample(key, len(key))) for _ in range(settings.orders)]
    return min(other for other, _, _ in _align(costs, others)) - cost


def _rewritten(reading: Reading, text: str, low: float, high: float) -> Reading:
    """A reading in which a text stands between two shares of its length, and words apart from it as they were."""
    half = 0.5 / max(1, len(reading.text))
    head = reading.text[: sum(centre < low - half for centre in reading.centres)]
    tail = reading.text[len(reading.text) - sum(centre > high + half for centre in reading.centres) :]
    head = head[: head.rfind(" ") + 1]  # what runs into the legend was a part of it misread
    tail = tail[tail.find(" ") :] if " " in tail else ""
    centres = (
        *np.linspace(0.0, low, 2 * len(head) + 1)[1::2],
        *np.linspace(low, high, 2 * len(text) + 1)[1::2],
        *np.linspace(high, 1.0, 2 * len(tail) + 1)[1::2],
    )
    return replace(reading, text=head + text + tail, centres=tuple(map(float, centres)), probabilities=())
