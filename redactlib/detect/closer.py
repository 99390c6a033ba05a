"""A second look: lines that may belong to a marking read again carefully, and worn ones found on a blurred page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from rapidfuzz import fuzz, process

from redactlib.catalogue.banners import words_of_banners
from redactlib.catalogue.markings import fold, markings
from redactlib.marks import Box, area, intersection
from redactlib.reading import Reader, Reading, TextLine, crop_line, halves, stretch, text_line
from redactlib.scan import Scan


@dataclass(frozen=True)
class CloserSettings:
    """Which lines are worth a second look, and how worn ones are made out."""

    known_sure: float = 0.9  # confidence of a line that was read without doubt,
    known_share: float = 0.5  # and of the length of a place that such lines cover, which is not read again,
    known_level: float = 0.5  # if they lie so many of their heights up or down from its middle
    candidate_score: float = 0.62  # share of a key phrase's letters that makes a line worth reading carefully
    sure_score: float = 0.85  # of a line read without doubt: what it says then is not misread, but something else
    score_by_doubt: float = 1.5  # by which that falls with the share of its letters' probability that is missing
    figures_min: int = 2
    figures_chars_max: int = 30
    sure: float = 0.995  # mean probability of a line's letters
    plain_score: float = 0.95  # a line with a whole phrase is plain where its letters and each figure reach:
    plain: float = 0.95
    plain_figure: float = 0.9  # of 133 release lines on 170 real pages 94 do: none had a figure misread
    careful_lines_max: int = 26  # read carefully at most, the likeliest first: about 40 ms each
    blur_mm: float = 0.2  # closes the gaps of dotted letters
    blur_gain: float = 1.8  # makes them dark again
    blur_side_px: int = 736  # the smaller the page, the less the detector minds the gaps
    faint_lines_max: int = 9
    faint_score: float = 0.5  # of a key phrase's letters, before the careful reading
    tall: float = 1.6  # by the height of the page's typing: such a line may be two that a pen holds together,
    tall_doubtful: float = 0.85  # where it was read with doubt,
    tall_length: float = 2.5  # and is no heap of strokes; by its height
    tall_chars: int = 6  # read in it: less is no legend with a pen over it
    tall_lines_max: int = 4  # read by halves at most, the longest first
    half: float = 0.58  # of such a line's height
    large_mm: float = 5.0  # letters of this height are a stamp's, not a typewriter's
    cut_doubtful: float = 0.93  # a line read so badly may be a part of one,
    cut_letters_min: int = 9  # where so many letters of it
    cut_score: float = 0.72  # agree so well with a stretch of a legend
    cut_missing: tuple[int, int] = (3, 20)  # of which so many letters are missing
    cut_known_max: float = 0.3  # of their place may be another line, that was read without doubt
    cut_whole_min: float = 0.65  # share of the legend's letters that the whole line must have,
    cut_gain: float = 0.04  # and so much more than its part
    cut_ink_min: float = 0.03  # of where they would stand: it must not be blank
    cut_lines_max: int = 4  # read at most, the best first
    turned_doubtful: float = 0.88  # a line read so badly may stand upside down,
    turned_chars_min: int = 6  # dirt is read as fewer
    turned_length: float = 3.5  # if it is so long, in its heights,
    turned_pitch: float = 2.6  # and another one stands so near, in heights: a stamp has two lines at least
    turned_lines_max: int = 3  # tried at most the other way round, the longest first: 6 ms each
    turned_reach: float = 14.0  # from a line that is a legend's so, to those that may be its others


def reread(
    scan: Scan, pieces: Sequence[TextLine], reader: Reader, *, settings: CloserSettings = CloserSettings()
) -> list[TextLine]:
    """Lines that may belong to a marking, read again with the careful model; the others as they are."""
    wanted = _worth_reading(pieces, settings)
    readings = reader.read([crop_line(scan.grey, pieces[i].corners) for i in wanted], careful=True)
    better = dict(zip(wanted, readings, strict=True))
    return [replace(piece, reading=better[i]) if i in better else piece for i, piece in enumerate(pieces)]


def read_faint(
    scan: Scan, pieces: Sequence[TextLine], reader: Reader, *, settings: CloserSettings = CloserSettings()
) -> list[TextLine]:
    """Lines that come out only when the page is blurred and small: dotted, hollow and broken stamps."""
    shrink = min(1.0, settings.blur_side_px / max(scan.grey.shape))
    soft = soften(scan.grey, scan.mm(settings.blur_mm), settings.blur_gain)
    small = cv2.resize(soft, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    found = [corners / shrink for corners in reader.find_lines(small)]
    fresh = [c for c in found if not is_well_read(c, pieces)]
    guesses = [text_line(c, r) for c, r in zip(fresh, reader.read([crop_line(soft, c) for c in fresh]), strict=True)]
    alike = likeness(guesses)
    large = np.array([guess.height > settings.large_mm / 25.4 * scan.dpi for guess in guesses], bool)
    ranked = sorted(range(len(fresh)), key=lambda i: -alike[i] - 0.4 * large[i] * (len(guesses[i].text) < 24))
    likely = [alike[i] >= _score_min(guess, settings.faint_score, settings) for i, guess in enumerate(guesses)]
    best = [i for i in ranked if likely[i] or large[i]][: settings.faint_lines_max]
    readings = reader.read([crop_line(soft, fresh[i]) for i in best], careful=True)
    return [text_line(fresh[i], r) for i, r in zip(best, readings, strict=True) if r.text.strip()]


def read_halves(
    scan: Scan, pieces: Sequence[TextLine], reader: Reader, *, settings: CloserSettings = CloserSettings()
) -> list[TextLine]:
    """Lines of a legend that hang together with the next, because a pen runs over both: high lines read by halves."""
    typing = float(np.median([piece.height for piece in pieces])) if pieces else 0.0
    tall = [
        piece
        for piece in pieces
        if piece.height > settings.tall * typing
        and piece.confidence < settings.tall_doubtful
        and len(piece.text) >= settings.tall_chars
        and float(np.linalg.norm(piece.corners[1] - piece.corners[0])) > settings.tall_length * piece.height
    ]
    tall.sort(key=lambda piece: -len(piece.text))
    parts = [half for piece in tall[: settings.tall_lines_max] for half in halves(piece.corners, settings.half)]
    return read_legends(scan.grey, parts, reader, settings.candidate_score)


def read_legends(grey: np.ndarray, places: Sequence[np.ndarray], reader: Reader, score_min: float) -> list[TextLine]:
    """Lines at places of a page that say a key phrase, at a glance and read carefully.

    Args:
        grey: the page, uint8 ``(h, w)``.
        places: corners ``(4, 2)``.
        reader: reads lines both ways.
        score_min: share of a key phrase's letters that a line must have.
    """
    lines: list[TextLine] = []
    for careful in (False, True):
        readings = reader.read([crop_line(grey, c) for c in places], careful=careful) if places else []
        lines = [text_line(c, r) for c, r in zip(places, readings, strict=True)]
        lines = [line for line, score in zip(lines, likeness(lines), strict=True) if score >= score_min]
        places = [line.corners for line in lines]
    return lines


def read_cut(
    scan: Scan, pieces: Sequence[TextLine], reader: Reader, *, settings: CloserSettings = CloserSettings()
) -> list[TextLine]:
    """Lines of which the detector saw a part, read from where their legend begins to where it ends.

    A part is told by its letters: they agree with a stretch of a legend, and there is ink where the rest would stand.
    """
    known = [piece.box for piece in pieces if piece.confidence > settings.cut_doubtful]
    places = [place for piece in pieces if (place := _whole_place(scan, piece, known, settings))]
    places = sorted(places, key=lambda place: -place[0])[: settings.cut_lines_max]
    readings = reader.read([crop_line(scan.grey, corners) for _, corners, _ in places], careful=True) if places else []
    return [
        text_line(corners, reading)
        for (share, corners, phrase), reading in zip(places, readings, strict=True)
        if fuzz.ratio(phrase, fold(reading.text)[0]) / 100 >= max(settings.cut_whole_min, share + settings.cut_gain)
    ]


def _whole_place(
    scan: Scan, piece: TextLine, known: Sequence[Box], settings: CloserSettings
) -> tuple[float, np.ndarray, str] | None:
    """Where the whole legend would stand of which a line is a part: the share that it is, corners, and its letters."""
    text = fold(piece.text)[0]
    if piece.confidence > settings.cut_doubtful or len(text) < settings.cut_letters_min:
        return None
    low, high = settings.cut_missing
    longer = [phrase for phrase in _keys() if low <= len(phrase) - len(text) <= high]
    best = process.extractOne(text, longer, scorer=fuzz.partial_ratio, score_cutoff=100 * settings.cut_score)
    place = fuzz.partial_ratio_alignment(text, best[0]) if best else None
    if place is None or best is None:
        return None
    size = place.dest_end - place.dest_start
    corners = stretch(piece.corners, -place.dest_start / size, 1 + (len(best[0]) - place.dest_end) / size)
    x0, y0, x1, y1 = whole = text_line(corners, piece.reading).box
    own = piece.box
    rest = area(whole) - area(own)
    ink = int(scan.ink[max(0, y0) : y1, max(0, x0) : x1].sum()) - int(scan.ink[own[1] : own[3], own[0] : own[2]].sum())
    read = sum(intersection(whole, box) for box in known) > settings.cut_known_max * rest
    return None if read or ink < settings.cut_ink_min * rest else (fuzz.ratio(best[0], text) / 100, corners, best[0])


def read_upside_down(
    scan: Scan, pieces: Sequence[TextLine], reader: Reader, *, settings: CloserSettings = CloserSettings()
) -> list[TextLine]:
    """Lines, and of a stamp that stands on its head the lines as they read the other way round.

    Only level lines that were read with doubt are tried: the longest first, and where one of them is a line of a legend
    when the page is turned, those around it; and those that begin with a year on its head, however well they read.
    """
    level = [i for i, p in enumerate(pieces) if abs(p.rotation_deg) < 45]
    dated = [i for i in level if _YEAR_ON_HEAD.match(pieces[i].text)]
    doubtful = [i for i in level if pieces[i].confidence < settings.turned_doubtful or i in dated]
    tried = [i for i in doubtful if _may_stand_on_head(i, doubtful, pieces, settings)]
    tried = sorted(tried, key=lambda i: pieces[i].box[0] - pieces[i].box[2])[: settings.turned_lines_max]
    turned = {i: np.roll(pieces[i].corners, 2, axis=0) for i in doubtful}
    quick = reader.read([crop_line(scan.grey, turned[i]) for i in tried]) if tried else []
    guesses = [text_line(turned[i], reading) for i, reading in zip(tried, quick, strict=True)]
    legend = [
        i
        for i, guess, score in zip(tried, guesses, likeness(guesses), strict=True)
        if score >= settings.candidate_score and guess.confidence > pieces[i].confidence
    ]
    around = [
        i for i in doubtful if i in dated or any(_near(pieces[i], pieces[j], settings.turned_reach) for j in legend)
    ]
    readings = reader.read([crop_line(scan.grey, turned[i]) for i in around], careful=True) if around else []
    anew = {i: text_line(turned[i], r) for i, r in zip(around, readings, strict=True)}
    return [anew[i] if i in anew and anew[i].confidence > p.confidence else p for i, p in enumerate(pieces)]


_YEAR_ON_HEAD = re.compile(r"\W*[0689][5689L]61(?!\d)")
"""1966 and the like as they are read upside down: 9961."""


def _may_stand_on_head(
    number: int, doubtful: Sequence[int], pieces: Sequence[TextLine], settings: CloserSettings
) -> bool:
    """Whether a line is one of several doubtful ones under each other, and long enough to be a line of a legend."""
    piece = pieces[number]
    long = float(np.linalg.norm(piece.corners[1] - piece.corners[0])) > settings.turned_length * piece.height
    others = (pieces[i] for i in doubtful if i != number)
    stacked = any(_near(piece, other, settings.turned_pitch) for other in others)
    return long and len(piece.text) >= settings.turned_chars_min and stacked


def _near(a: TextLine, b: TextLine, pitch: float) -> bool:
    """Whether two level lines stand over each other, no more than some line heights apart."""
    apart = abs(a.box[1] + a.box[3] - b.box[1] - b.box[3]) / 2
    return apart <= pitch * b.height and a.box[0] < b.box[2] and b.box[0] < a.box[2]


def soften(grey: np.ndarray, sigma_px: float, gain: float) -> np.ndarray:
    """A grey picture blurred and its ink made dark again, so that dotted letters hold together."""
    soft = cv2.GaussianBlur(grey, (0, 0), sigma_px)
    return 255 - np.minimum(255, (255 - soft).astype(np.float32) * gain).astype(np.uint8)


def is_well_read(
    corners: np.ndarray, known: Sequence[TextLine], *, settings: CloserSettings = CloserSettings()
) -> bool:
    """Whether most of a line's length is covered by lines on the same level that were read without doubt."""
    middle, length = corners.mean(0), float(np.linalg.norm(corners[1] - corners[0]))
    unit = (corners[1] - corners[0]) / max(length, 1e-6)
    own = corners @ unit
    covered = 0.0
    for piece in known:
        if piece.confidence < settings.known_sure:
            continue
        along = piece.corners[1] - piece.corners[0]
        down = np.array([-along[1], along[0]]) / max(1e-6, float(np.linalg.norm(along)))
        off = abs(float((middle - piece.corners.mean(0)) @ down))
        if off < settings.known_level * piece.height:
            there = piece.corners @ unit
            covered += max(0.0, float(min(own.max(), there.max()) - max(own.min(), there.min())))
    return covered > settings.known_share * length


def _worth_reading(pieces: Sequence[TextLine], settings: CloserSettings) -> list[int]:
    """Lines that share letters with a legend and were not read without doubt, slanted ones more readily."""
    scores = likeness(pieces)
    likely = {
        i
        for i, p in enumerate(pieces)
        if p.confidence < settings.sure
        and scores[i] >= _score_min(p, settings.candidate_score, settings)
        and not (scores[i] >= settings.plain_score and _is_plain(p.reading, settings))
    }
    askew = {
        i
        for i, p in enumerate(pieces)
        if scores[i] >= settings.faint_score and abs((p.rotation_deg + 45) % 90 - 45) > 2.5 and len(p.text) > 3
    }
    order = [*sorted(likely, key=lambda i: -scores[i]), *sorted(askew - likely)]
    return sorted(order[: settings.careful_lines_max])


def _is_plain(reading: Reading, settings: CloserSettings) -> bool:
    """Whether a line was read well as a whole, and each of its figures, which nothing else on the line confirms."""
    if reading.confidence < settings.plain or len(reading.probabilities) != len(reading.text):
        return False
    figures = (p for c, p in zip(reading.text, reading.probabilities, strict=True) if c.isdigit())
    return min(figures, default=1.0) >= settings.plain_figure


def _score_min(piece: TextLine, least: float, settings: CloserSettings) -> float:
    """Share of a key phrase's letters that a line must have: the surer it was read, the fewer of them are misread.

    Not where a short line shows figures: they are the date or the number, and nothing else tells when one is misread.
    """
    if sum(map(str.isdigit, piece.text)) >= settings.figures_min and len(piece.text) <= settings.figures_chars_max:
        return least
    return max(least, settings.sure_score - settings.score_by_doubt * (1 - piece.confidence))


def likeness(pieces: Sequence[TextLine]) -> np.ndarray:
    """For each line the share of a key phrase's letters that it has; a level counts only in a line of little else."""
    if not pieces:
        return np.zeros(0)
    phrases = _phrases()
    texts = [fold(piece.text)[0] for piece in pieces]
    found = process.cdist(phrases, texts, scorer=fuzz.partial_ratio, dtype=np.float32) / 100
    lengths, sizes = np.array([len(t) for t in texts]), np.array([len(p) for p in phrases])
    held = np.minimum(1.0, lengths[None] / sizes[:, None])
    roomy = lengths[None] > 2.5 * sizes[:, None]  # a long line has some stretch that looks like any phrase
    fits = np.where(roomy, np.where(sizes[:, None] >= 12, 0.82, 0.0), 1.0)
    return (found * held * fits).max(0)


@lru_cache(maxsize=1)
def _keys() -> tuple[str, ...]:
    """Folded keys of the catalogue, the shorter first: of two that fit alike the one that lacks less is taken."""
    return tuple(sorted({fold(phrase)[0] for row in markings() for phrase in row.key}, key=lambda key: (len(key), key)))


@lru_cache(maxsize=1)
def _phrases() -> tuple[str, ...]:
    """Folded phrases that make a line worth reading carefully: keys of the catalogue and levels."""
    levels = {fold(word)[0] for word in (*words_of_banners()["levels"], *words_of_banners()["controls"])}
    return tuple(sorted(phrase for phrase in {*_keys(), *levels} if len(phrase) >= 5))
