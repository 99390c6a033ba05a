"""An agency's name struck by a pen that wrote another's above it: the stamp is no longer the first one's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from redactlib.pipeline import analyze
from redactlib.scan import Scan

Stroke = tuple[tuple[int, int], tuple[int, int]]

LEGEND = ("ALL FBI INFORMATION CONTAINED", "HEREIN IS UNCLASSIFIED", "DATE 8-3-96 BY 5668 SLD/KSR")


def stamped(*, strike: Stroke | None = None, written: str = "") -> np.ndarray:
    page = np.full((2200, 1700), 255, np.uint8)
    for i, line in enumerate(LEGEND):
        cv2.putText(page, line, (400, 900 + 60 * i), cv2.FONT_HERSHEY_DUPLEX, 1.3, 0, 3, cv2.LINE_AA)
    if strike:
        cv2.line(page, *strike, 0, 5, cv2.LINE_AA)
    if written:
        cv2.putText(page, written, (495, 850), cv2.FONT_HERSHEY_SIMPLEX, 1.4, 0, 4, cv2.LINE_AA)
    return page


NAME = ((480, 892), (575, 880))


@pytest.mark.parametrize(
    ("strike", "written", "agency"),
    [
        (None, "", "FBI"),
        (None, "USCS", "FBI"),  # a note beside a name that stands
        (((505, 915), (530, 850)), "", "FBI"),  # a tick through it
        (NAME, "USCS", "USCS"),
        (NAME, "", None),  # whose it is now is not known
    ],
)
def test_a_struck_name_gives_way_to_the_one_above_it(strike: Stroke | None, written: str, agency: str | None) -> None:
    report = analyze(Scan(stamped(strike=strike, written=written), 200.0))
    stamps = [mark for mark in report.stamps if mark.family == "fbi-all-information"]
    assert [(stamp.agency, stamp.struck) for stamp in stamps] == [(agency, False)]
    authority = report.declassification.authority
    assert (authority.agency if authority else None) == agency


def test_a_name_struck_with_its_whole_line_is_still_the_stamp_s_which_is_struck() -> None:
    report = analyze(Scan(stamped(strike=((380, 892), (1050, 880))), 200.0))
    [stamp] = [mark for mark in report.stamps if mark.family == "fbi-all-information"]
    assert (stamp.agency, stamp.struck) == ("FBI", True)
    assert report.declassification.authority is None
