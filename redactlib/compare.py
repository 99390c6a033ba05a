"""Two releases of one page: what was withheld then, and what is now.

The pages are laid over each other by matching corners (ORB, Rublee et al. 2011) and a similarity transform that most of
the matches agree on (RANSAC, Fischler and Bolles 1981); then each redaction of the one is looked for in the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from redactlib.errors import RedactlibError
from redactlib.marks import Box, Redaction
from redactlib.reading import PageText
from redactlib.report import PageReport
from redactlib.scan import MM_PER_INCH


@dataclass(frozen=True)
class CompareSettings:
    """How two scans of one page are laid over each other, and when a redaction counts as the same."""

    working_dpi: float = 100.0  # type is still told apart, paper grain is not
    corners: int = 4000  # some ten a line of type
    reach_mm: float = 1.0  # how far a match may lie from where the transform puts it: warp of paper and rollers
    matches_min: int = 200  # pages that share only a letterhead and a stamp agree on up to 100, rescans on 380
    scale_max: float = 1.25  # of one scan to the other, once dpi is allowed for
    slack_mm: float = 1.5  # edges of one redaction in two scans differ by less
    changed_min: float = 0.2  # share of a redaction that must differ before it is said to have changed


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of one redaction.

    Attributes:
        kind: ``kept``; ``lifted`` or ``narrowed``, where all or part is open now; ``added`` or ``widened``, where all
            or part is closed only now.
        before, after: the redaction in each release, the one that covers most; ``None`` where there is none.
        box: where it is, in pixels of the later release.
        share: how much of it is not covered in the other release, 0..1.
        text: what can be read there now, where the later release's text was given and something was opened.
    """

    kind: str
    box: Box
    share: float
    before: Redaction | None = None
    after: Redaction | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Two releases of one page, and every redaction's fate.

    Attributes:
        transform: float64 ``(2, 3)``, from pixels of `before` to pixels of `after`.
        matches: how many corners agree on it.
    """

    before: PageReport
    after: PageReport
    transform: np.ndarray
    matches: int
    changes: tuple[Change, ...]

    def to_records(self) -> list[dict[str, Any]]:
        """One plain row a redaction, for pandas."""
        return [
            {
                "change": change.kind,
                "share": round(change.share, 3),
                "before": change.before and change.before.id,
                "after": change.after and change.after.id,
                "codes_before": _codes(self.before, change.before),
                "codes_after": _codes(self.after, change.after),
                "text": change.text,
            }
            | dict(zip(("x0", "y0", "x1", "y1"), change.box, strict=True))
            for change in self.changes
        ]

    def __str__(self) -> str:
        lines = [f"{report.source.path}: {report.declassification.headline}" for report in (self.before, self.after)]
        for row in self.to_records():
            said = f"{row['change']:8s} {row['before'] or '-'} -> {row['after'] or '-'}"
            codes = " -> ".join(" ".join(row[name]) or "no code" for name in ("codes_before", "codes_after"))
            lines.append(f"  {said}  {codes}" + (f"  now open: {row['text']!r}" if row["text"] else ""))
        return "\n".join(lines)


def compare(
    before: PageReport,
    after: PageReport,
    *,
    text: PageText | None = None,
    settings: CompareSettings = CompareSettings(),
) -> Comparison:
    """Lay two releases of one page over each other and follow every redaction from the one to the other.

    Args:
        before, after: reports of the earlier and the later release; their images must be at hand or in their files.
        text: the later release's text as stored, to say what can now be read where something was opened.

    Raises:
        RedactlibError: an image is not at hand, or the two are not releases of one page.
    """
    transform, matches = _register(before, after, settings)
    old = [_moved(redaction, transform) for redaction in before.redactions]
    new = [np.array(_outline(redaction), np.float64) for redaction in after.redactions]
    scale = settings.working_dpi / after.image.dpi
    shape = (round(after.image.height * scale) + 1, round(after.image.width * scale) + 1)
    brim = np.ones((2 * round(settings.slack_mm / MM_PER_INCH * settings.working_dpi) + 1,) * 2, np.uint8)

    def fate(outline: np.ndarray, others: Sequence[np.ndarray]) -> tuple[float, int | None]:
        """Share of an outline that the others leave open, and which of them covers most of it."""
        own = _mask([outline], shape, scale)
        cover = np.array([np.count_nonzero(own & _mask([other], shape, scale)) for other in others])
        grown = cv2.dilate(_mask(others, shape, scale).view(np.uint8), brim) > 0
        core = cv2.erode(own.view(np.uint8), brim) > 0
        own = core if core.any() else own  # narrow ones have no core
        share = 1 - float((own & grown).sum() / own.sum()) if own.any() else 1.0
        return share, int(cover.argmax()) if cover.any() else None

    changes = []
    for redaction, outline in zip(before.redactions, old, strict=True):
        share, which = fate(outline, new)
        kind = _kind(share, settings, ("kept", "narrowed", "lifted"))
        partner = after.redactions[which] if which is not None and kind != "lifted" else None
        opened = _opened(text, outline, new) if text is not None and kind != "kept" else None
        changes.append(Change(kind=kind, box=_box(outline), share=share, before=redaction, after=partner, text=opened))
    for redaction, outline in zip(after.redactions, new, strict=True):
        share, which = fate(outline, old)
        kind = _kind(share, settings, ("kept", "widened", "added"))
        if kind != "kept":
            partner = before.redactions[which] if which is not None and kind == "widened" else None
            changes.append(Change(kind=kind, box=_box(outline), share=share, before=partner, after=redaction))
    changes.sort(key=lambda change: (change.box[1], change.box[0]))
    return Comparison(before=before, after=after, transform=transform, matches=matches, changes=tuple(changes))


def _kind(share: float, settings: CompareSettings, names: tuple[str, str, str]) -> str:
    return names[(share >= settings.changed_min) + (share > 1 - settings.changed_min)]


def _register(before: PageReport, after: PageReport, settings: CompareSettings) -> tuple[np.ndarray, int]:
    """The similarity transform from one page's pixels to the other's, and how many corners agree on it."""
    points, descriptors = zip(*(_features(report, settings) for report in (before, after)), strict=True)
    refusal = RedactlibError(
        f"{before.source.path} and {after.source.path}: do not look like two releases of one page; "
        "compare pages of the same document and number"
    )
    if min(map(len, points)) < settings.matches_min:
        raise refusal
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(*descriptors)
    start = np.array([points[0][pair.queryIdx] for pair in pairs], np.float64)
    stop = np.array([points[1][pair.trainIdx] for pair in pairs], np.float64)
    cv2.setRNGSeed(1)  # RANSAC draws: the same two pages always give the same answer
    reach = settings.reach_mm / MM_PER_INCH * after.image.dpi
    transform, inliers = cv2.estimateAffinePartial2D(start, stop, ransacReprojThreshold=reach, maxIters=5000)
    matches = 0 if inliers is None else int(inliers.sum())
    if matches < settings.matches_min:
        raise refusal
    scale = float(np.hypot(*transform[:, 0])) * before.image.dpi / after.image.dpi
    if not 1 / settings.scale_max < scale < settings.scale_max:
        raise refusal
    return transform, matches


def _features(report: PageReport, settings: CompareSettings) -> tuple[np.ndarray, np.ndarray]:
    """Corners in page pixels, float ``(n, 2)``, and their descriptors."""
    image = report.load_image()
    if image is None:
        raise RedactlibError(f"{report.source.path}: its image is not at hand; analyse the file again before comparing")
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = settings.working_dpi / report.image.dpi
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.0)
    found, descriptors = cv2.ORB.create(nfeatures=settings.corners).detectAndCompute(small, None)
    return np.array([corner.pt for corner in found], np.float64).reshape(-1, 2) / scale, descriptors


def _outline(redaction: Redaction) -> Sequence[tuple[int, int]]:
    x0, y0, x1, y1 = redaction.box
    return redaction.polygon or ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _moved(redaction: Redaction, transform: np.ndarray) -> np.ndarray:
    return np.array(_outline(redaction), np.float64) @ transform[:, :2].T + transform[:, 2]


def _mask(outlines: Iterable[np.ndarray], shape: tuple[int, int], scale: float) -> np.ndarray:
    """Where the outlines lie on a page drawn to scale: bool."""
    mask = np.zeros(shape, np.uint8)
    for outline in outlines:
        cv2.fillPoly(mask, [np.round(outline * scale).astype(np.int32)], 1)
    return mask.view(bool)


def _box(outline: np.ndarray) -> Box:
    (x0, y0), (x1, y1) = np.floor(outline.min(0)), np.ceil(outline.max(0))
    return (int(x0), int(y0), int(x1), int(y1))


def _opened(text: PageText, outline: np.ndarray, covers: Sequence[np.ndarray]) -> str | None:
    """The lines of the later release whose middle lies where something was opened."""

    def inside(area: np.ndarray, x: float, y: float) -> bool:
        return cv2.pointPolygonTest(area.astype(np.float32), (x, y), False) >= 0

    said = []
    for line in text.lines:
        x, y = (line.box[0] + line.box[2]) / 2, (line.box[1] + line.box[3]) / 2
        if inside(outline, x, y) and not any(inside(cover, x, y) for cover in covers):
            said.append(line.text)
    return "\n".join(said) or None


def _codes(report: PageReport, redaction: Redaction | None) -> list[str]:
    names = {code.id: code.canonical or code.code for code in report.codes}
    return [names[i] for i in redaction.codes if i in names] if redaction else []
