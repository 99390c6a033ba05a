"""A second look: lines that may belong to a marking read again carefully, and worn ones found on a blurred page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from rapidfuzz import fuzz, process

from redactlib.catalogue.banners import words_of_banners
from redactlib.catalogue.markings import fold, markings
from redactlib.marks import Box, area, intersection
from redactlib.reading import Reader, Reading, TextLine, crop_line, halves, text_line
from redactlib.scan import Scan


@dataclass(frozen=True)
class CloserSettings:
    """Which lines are worth a second look, and how worn ones are made out."""

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
    known = [(piece.box, piece.confidence) for piece in pieces]
    fresh = [c for c in found if not _well_read(c, known)]
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
    for careful in (False, True):
        crops = [crop_line(scan.grey, corners) for corners in parts]
        readings = reader.read(crops, careful=careful) if crops else []
        lines = [text_line(c, r) for c, r in zip(parts, readings, strict=True)]
        lines = [line for line, score in zip(lines, likeness(lines), strict=True) if score >= settings.candidate_score]
        parts = [line.corners for line in lines]
    return lines


def soften(grey: np.ndarray, sigma_px: float, gain: float) -> np.ndarray:
    """A grey picture blurred and its ink made dark again, so that dotted letters hold together."""
    soft = cv2.GaussianBlur(grey, (0, 0), sigma_px)
    return 255 - np.minimum(255, (255 - soft).astype(np.float32) * gain).astype(np.uint8)


def _well_read(corners: np.ndarray, known: Sequence[tuple[Box, float]]) -> bool:
    """Whether most of a line is covered by lines that were read without doubt."""
    x0, y0 = corners.min(0)
    x1, y1 = corners.max(0)
    box = (int(x0), int(y0), int(x1), int(y1))
    return sum(intersection(box, other) for other, sure in known if sure >= 0.9) > 0.4 * area(box)


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
def _phrases() -> tuple[str, ...]:
    """Folded phrases that make a line worth reading carefully: keys of the catalogue and levels."""
    keys = {fold(phrase)[0] for row in markings() for phrase in row.key}
    levels = {fold(word)[0] for word in (*words_of_banners()["levels"], *words_of_banners()["controls"])}
    return tuple(sorted(phrase for phrase in keys | levels if len(phrase) >= 5))
