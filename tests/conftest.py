"""Shared fixtures of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REAL_SCANS = ROOT.parent / "shared" / "scans"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The drawn pages that ship with the project."""
    return ROOT / "fixtures"


@pytest.fixture(scope="session")
def real_scans() -> Path:
    """Folder of real page scans with labels beside them; the test skips where they are absent."""
    if not REAL_SCANS.is_dir():
        pytest.skip(f"the real scans are not here ({REAL_SCANS})")
    return REAL_SCANS
