"""Batches: what is read stays read, whatever dies on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from redactlib import batch
from redactlib.batch import BatchResult, _WorkerLost, _Workers, analyze_files, find_files
from redactlib.errors import ReportError
from redactlib.report import ImageInfo, PageReport, Source, read_reports
from redactlib.scan import Scan


class Here:
    """The smallest executor that can be given as `client`: it runs a task where it stands, and keeps the list."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, Any]] = []

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        self.tasks.append((function.__name__, arguments[1] if function.__name__ == "read_page_of" else arguments[0]))
        future: Future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    @property
    def read(self) -> list[int]:
        return [what for name, what in self.tasks if name == "read_page_of"]


def quick_report(scan: Scan) -> PageReport:
    if scan.grey[0, 0] == 66:
        raise ZeroDivisionError("tone 66")
    return PageReport(
        source=Source(path=scan.path, page=scan.page, pages=scan.pages, sha256=scan.sha256),
        image=ImageInfo(width=scan.width, height=scan.height, dpi=scan.dpi, dpi_source=scan.dpi_source),
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "analyze", quick_report)


def write_pages(path: Path, *tones: int) -> Path:
    pages = [Image.fromarray(np.full((220, 170), tone, np.uint8)) for tone in tones]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def go(paths: Any, client: Here | None = None, **options: Any) -> BatchResult:
    return analyze_files(paths, client=client or Here(), **options)


def lines(path: Path) -> list[tuple[str, int]]:
    return [(Path(str(r.source.path)).name, r.source.page) for r in read_reports(path)]


def test_every_page_is_a_line_and_every_bad_file_a_failure(tmp_path: Path) -> None:
    write_pages(tmp_path / "b.tif", 10, 20)
    write_pages(tmp_path / "a.tif", 30)
    (tmp_path / "c.pdf").write_text("no")
    (tmp_path / "notes.txt").write_text("not looked at")
    result = go(tmp_path, out=tmp_path / "out.jsonl")
    assert lines(tmp_path / "out.jsonl") == [("a.tif", 1), ("b.tif", 1), ("b.tif", 2)]
    assert (result.read, result.kept) == (3, 0)
    (failure,) = result.failures
    assert failure.path.endswith("c.pdf")
    assert "c.pdf: is no page scan" in failure.reason
    assert [(Path(str(d.path)).name, len(d.pages)) for d in result.documents()] == [("a.tif", 1), ("b.tif", 2)]


def test_without_out_reports_are_had_all_the_same(tmp_path: Path) -> None:
    result = go([write_pages(tmp_path / "a.tif", 10, 20)])
    assert [page.source.page for document in result.documents() for page in document.pages] == [1, 2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif"]


def test_a_fault_on_one_page_costs_that_page(tmp_path: Path) -> None:
    result = go(write_pages(tmp_path / "a.tif", 10, 66, 30), out=tmp_path / "out.jsonl")
    assert lines(tmp_path / "out.jsonl") == [("a.tif", 1), ("a.tif", 3)]
    (failure,) = result.failures
    assert failure.page == 2
    assert "page 2: reading failed (ZeroDivisionError: tone 66)" in failure.reason
    assert "quick_report" in failure.detail


def test_what_is_read_is_not_read_again(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "a.tif", 10, 66, 30)
    go(path, out=tmp_path / "out.jsonl")
    before = (tmp_path / "out.jsonl").read_bytes()
    again = Here()
    result = go(path, again, out=tmp_path / "out.jsonl")
    assert again.read == [2], "the page that failed is tried again, the others are not"
    assert (result.read, result.kept) == (0, 2)
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_another_dpi_or_another_page_is_read(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "a.tif", 10, 20)
    out = tmp_path / "out.jsonl"
    go(path, out=out, pages={1})
    other = Here()
    go(path, other, out=out)
    assert other.read == [2]
    other = Here()
    go(path, other, out=out, dpi=200)
    assert other.read == [1, 2]
    assert [r.image.dpi for r in read_reports(out)] == [200, 200]


def test_a_line_cut_short_by_a_kill_is_written_again(tmp_path: Path) -> None:
    path, out = write_pages(tmp_path / "a.tif", 10, 20, 30), tmp_path / "out.jsonl"
    go(path, out=out)
    whole = out.read_bytes()
    for left in (1, 5, 40):
        last = whole.rindex(b"\n", 0, -1) + 1
        out.write_bytes(whole[: last + left])
        again = Here()
        go(path, again, out=out)
        assert again.read == [3]
        assert out.read_bytes() == whole


def test_a_file_that_has_changed_is_read_anew_and_its_old_lines_go(tmp_path: Path) -> None:
    path, out = write_pages(tmp_path / "a.tif", 10, 20, 30), tmp_path / "out.jsonl"
    other = write_pages(tmp_path / "b.tif", 40)
    go([path, other], out=out)
    write_pages(path, 11, 21)
    again = Here()
    go([path], again, out=out)
    assert again.read == [1, 2]
    assert sorted(lines(out)) == [("a.tif", 1), ("a.tif", 2), ("b.tif", 1)]


def test_a_file_that_changes_while_it_is_read_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_pages(tmp_path / "a.tif", 10, 20)

    def change(scan: Scan) -> PageReport:
        write_pages(path, 12, 22)
        os.utime(path, (1, 1))
        return quick_report(scan)

    monkeypatch.setattr(batch, "analyze", change)
    result = go(path, out=tmp_path / "out.jsonl")
    assert lines(tmp_path / "out.jsonl") == [("a.tif", 1)]
    assert "page 2: the file changed while it was read" in result.failures[0].reason


def test_a_copy_of_a_file_costs_nothing(tmp_path: Path) -> None:
    path, out = write_pages(tmp_path / "a.tif", 10, 20), tmp_path / "out.jsonl"
    go(path, out=out)
    shutil.copy(path, tmp_path / "copy.tif")
    again = Here()
    go(tmp_path / "copy.tif", again, out=out)
    assert again.read == []
    assert lines(out) == [("a.tif", 1), ("a.tif", 2), ("copy.tif", 1), ("copy.tif", 2)]


@pytest.mark.parametrize("text", ["my notes", '{"schema": "other"}\n', '{"schema": "redactlib.page/1"}\n', "[" * 99999])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text(text)
    with pytest.raises(ReportError, match=r"out\.jsonl"):
        go(write_pages(tmp_path / "a.tif", 10), out=out)
    assert out.read_text() == text


def test_out_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    client = Here()
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "out.jsonl", "/dev/null/out.jsonl", "/dev/null"):
        with pytest.raises(ReportError, match=r"cannot be written|no regular file"):
            go(write_pages(tmp_path / "a.tif", 10), client, out=out)
    assert client.tasks == []


def test_begun_anew_if_not_resumed(tmp_path: Path) -> None:
    path, out = write_pages(tmp_path / "a.tif", 10), tmp_path / "out.jsonl"
    out.write_text("whatever was here")
    assert go(path, out=out, resume=False).read == 1
    assert lines(out) == [("a.tif", 1)]


def test_folders_are_opened_up_in_order_and_empty_ones_named(tmp_path: Path) -> None:
    for name in ("b/2.PNG", "b/1.tiff", "b/.hidden.png", "b/.git/x.png", "a.pdf", "b/x.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    (tmp_path / "in" / "b" / "round").symlink_to(tmp_path / "in")
    (tmp_path / "empty").mkdir()
    files, failures = find_files(
        [tmp_path / "in", tmp_path / "in" / "a.pdf", tmp_path / "empty", tmp_path / "gone.xyz"]
    )
    names = [os.path.relpath(file, tmp_path) for file in files]
    assert names == ["in/a.pdf", "in/b/1.tiff", "in/b/2.PNG", "gone.xyz"]
    assert [(f.path, "holds no scans" in f.reason) for f in failures] == [(str(tmp_path / "empty"), True)]


def test_a_file_of_broken_pages_is_given_up(tmp_path: Path) -> None:
    client = Here()
    result = go([write_pages(tmp_path / "a.tif", *[66] * 60), write_pages(tmp_path / "b.tif", 10)], client)
    assert result.read == 1
    assert len(client.read) < 20
    assert "given up after 10 pages in a row" in " ".join(f.reason for f in result.failures)


def test_progress_reaches_what_it_expects(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    paths = [write_pages(tmp_path / "a.tif", 10, 66), write_pages(tmp_path / "b.tif", 10), tmp_path / "gone.tif"]
    go(paths, progress=lambda done, expected: seen.append((done, expected)))
    assert seen[-1] == (3, 3)
    assert all(done <= expected for done, expected in seen if expected)


def test_any_executor_will_do(tmp_path: Path) -> None:
    paths = [write_pages(tmp_path / f"{n}.tif", *range(10 * n, 10 * n + 5)) for n in range(4)]
    with ThreadPoolExecutor(3) as pool:
        result = analyze_files(paths, client=pool, jobs=3, out=tmp_path / "out.jsonl")
    assert (result.read, result.failures) == (20, ())
    assert lines(tmp_path / "out.jsonl") == [(f"{n}.tif", page) for n in range(4) for page in range(1, 6)]


# Worker processes


def test_a_worker_that_hangs_or_dies_costs_its_task_only() -> None:
    workers = _Workers(1, 3.0)
    try:
        tasks = [
            workers.submit(os.getpid),
            workers.submit(time.sleep, 600),
            workers.submit(os._exit, 7),
            workers.submit(signal.raise_signal, signal.SIGKILL),
            workers.submit(os.getpid),
            workers.submit(int, "x"),
        ]
        assert tasks[0].result() != os.getpid()
        with pytest.raises(_WorkerLost, match="took more than 3 s"):
            tasks[1].result()
        with pytest.raises(_WorkerLost, match="exit status 7"):
            tasks[2].result()
        with pytest.raises(_WorkerLost, match="signal 9"):
            tasks[3].result()
        assert tasks[4].result() != tasks[0].result()
        with pytest.raises(ValueError, match="invalid literal"):
            tasks[5].result()
    finally:
        workers.close()


def test_a_worker_s_slow_start_is_not_the_task_s_time() -> None:
    workers = _Workers(1, 0.3)  # much less than the imports of a new process take
    try:
        assert workers.submit(os.getpid).result() != os.getpid()
    finally:
        workers.close()


def test_closing_ends_workers_that_are_busy() -> None:
    workers = _Workers(2, 600)
    busy = workers.submit(time.sleep, 600)
    time.sleep(0.5)
    start = time.monotonic()
    workers.close()
    assert time.monotonic() - start < 5
    with pytest.raises(_WorkerLost):
        busy.result(timeout=1)


def test_a_script_without_main_guard_survives_a_kill_and_loses_nothing(tmp_path: Path) -> None:
    write_pages(tmp_path / "a.tif", *[255] * 40)
    script = tmp_path / "script.py"
    script.write_text(
        "from redactlib.batch import analyze_files\n"
        f"analyze_files([{str(tmp_path / 'a.tif')!r}], out={str(tmp_path / 'out.jsonl')!r}, jobs=1)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen([sys.executable, script], env=environment)
    out = tmp_path / "out.jsonl"
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not (out.exists() and out.read_bytes().count(b"\n") >= 2):
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = [json.loads(line)["source"]["page"] for line in out.read_bytes().split(b"\n")[:-1]]
    assert len(kept) >= 2
    client = Here()
    go(tmp_path / "a.tif", client, out=out)
    assert sorted([*kept, *client.read]) == list(range(1, 41))
    assert lines(out) == [("a.tif", page) for page in range(1, 41)]
