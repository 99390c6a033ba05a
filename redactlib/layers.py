"""Which ink is what: one pass over the page that tells print, handwriting, stamp, ruling and fill apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Layers:
    """Probability maps of one page, each uint8 ``(h, w)``, 0..255; a pixel may belong to several.

    Attributes:
        scale: map pixels a page pixel, so that ``x_map = x_page * scale``.
        print: typed and printed text.
        handwriting: pen strokes of every role, strikes included.
        stamp: rubber stamps, labels and release lines.
        ruling: box borders, table rules, form lines.
        fill: solid, shaded and hatched areas.
        bracket_open, bracket_close: heat around square brackets, drawn or typed.
    """

    scale: float
    print: np.ndarray
    handwriting: np.ndarray
    stamp: np.ndarray
    ruling: np.ndarray
    fill: np.ndarray
    bracket_open: np.ndarray
    bracket_close: np.ndarray
