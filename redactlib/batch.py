"""Many files: one JSON line a page, written as it is read, so that a batch that is killed goes on where it stopped.

Pages are read in worker processes. One that crashes, or takes longer than a page may, costs that page; it is named
among the failures, and a new worker goes on with the next. The same function serves a cluster: anything with
``submit(function, *arguments)`` that returns futures, such as a Dask client, takes the place of the workers.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from redactlib.document import conclude
from redactlib.errors import RedactlibError, ReportError
from redactlib.pipeline import analyze
from redactlib.plain import load_json
from redactlib.report import PAGE_SCHEMA, DocumentReport, PageReport
from redactlib.scan import SUFFIXES, ScanFile

PAGE_SECONDS = 300.0
"""How long one page may take; the slowest real scans take 10 s on a busy machine."""

FAILURES_IN_A_ROW = 10
"""Pages of one file that may fail one after the other before the rest is left out: each may take its full time."""

LINE_START = b'{"schema": "redactlib.page/1"'

Key = tuple[str, int, float | None]  # content of the file, page, dpi given


@dataclass(frozen=True)
class Failure:
    """A file (`page` is ``None``) or page that could not be read; `reason` names it and the remedy."""

    path: str
    page: int | None
    reason: str
    detail: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        files: the files that were asked for, in order, folders opened up.
        read: how many pages were read now; `kept`: how many an earlier run had read.
        failures: files and pages that could not be read.
    """

    files: tuple[str, ...]
    read: int
    kept: int
    failures: tuple[Failure, ...]
    _store: _Store = field(repr=False)

    def documents(self) -> Iterator[DocumentReport]:
        """The report of each file that could be read, its pages together, one at a time."""
        for path in self.files:
            pages = self._store.pages_of(path)
            if pages:
                yield conclude(path, pages)


def analyze_files(
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    pages: Collection[int] | None = None,
    dpi: float | None = None,
    resume: bool = True,
    page_seconds: float = PAGE_SECONDS,
    client: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> BatchResult:
    """Read files and folders of scans; every page that can be read is, whatever becomes of the others.

    Args:
        paths: files and folders; folders are searched for scans.
        out: JSON Lines file, one page report a line, each safe on disk before the next. Pages that it holds already
            (same content, page and dpi option) are not read again; reports of a file that has changed are replaced.
        jobs: worker processes.
        pages: page numbers wanted of each file; all by default.
        dpi: pixels an inch, in place of what the files say.
        resume: go on with `out`; otherwise it is begun anew.
        page_seconds: how long a page may take before it is given up; a cluster has its own limits.
        client: executor in place of worker processes, such as ``dask.distributed.Client``; it must see the files.
        progress: called with the pages done and the pages expected.

    Raises:
        ReportError: `out` cannot be written, or holds something else than reports.
    """
    files, failures = find_files(paths)
    store = _Store(out, resume=resume)
    workers = client if client is not None else _Workers(jobs, page_seconds)
    run = _Run(files, failures, store, workers.submit, pages, dpi, progress)
    try:
        run.to_the_end(window=4 * jobs)
    finally:
        if client is None:
            workers.close()
    store.finish(files, run.changed)
    return BatchResult(files=tuple(files), read=run.read, kept=run.kept, failures=tuple(run.failures), _store=store)


def find_files(paths: str | Path | Iterable[str | Path]) -> tuple[list[str], list[Failure]]:
    """The files among `paths` and the scans in its folders, each once, in order; and folders that yield none."""
    files: dict[str, None] = {}
    failures: list[Failure] = []

    def unreadable(error: OSError) -> None:
        path = str(error.filename)
        failures.append(Failure(path, None, f"{path}: cannot be listed ({error.strerror}); check its permissions"))

    for path in [paths] if isinstance(paths, str | Path) else paths:
        if not os.path.isdir(path):
            files[str(path)] = None
            continue
        before = len(files), len(failures)
        for folder, inner, names in os.walk(path, onerror=unreadable):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            for name in sorted(names):
                if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                    files[os.path.join(folder, name)] = None
        if before == (len(files), len(failures)):
            ends = ", ".join(SUFFIXES)
            failures.append(Failure(str(path), None, f"{path}: holds no scans; expected files that end in {ends}"))
    return list(files), failures


class _Run:
    """The course of a batch: files are opened, their pages handed out, and what comes back is stored."""

    def __init__(
        self,
        files: list[str],
        failures: list[Failure],
        store: _Store,
        submit: Callable[..., Any],
        pages: Collection[int] | None,
        dpi: float | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.failures = failures
        self.changed: set[str] = set()
        self.read = self.kept = self._expected = self._opened = 0
        self._in_a_row: Counter[str] = Counter()
        self._files, self._store, self._submit, self._progress = files, store, submit, progress
        self._pages, self._dpi = pages, dpi
        self._waiting: deque[tuple[str, int, str]] = deque()
        self._answers: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def to_the_end(self, *, window: int) -> None:
        """Keep up to `window` tasks going until all is done; pages first, so that few files are open at a time."""
        unopened = deque(self._files)
        going = 0
        while True:
            while going < window and (self._waiting or unopened):
                going += 1
                if self._waiting:
                    path, number, sha256 = self._waiting.popleft()
                    self._start(partial(self._take_page, path, number, sha256), read_page_of, path, number, self._dpi)
                else:
                    path = unopened.popleft()
                    self._start(partial(self._take_file, path), open_file, path, self._pages, self._dpi)
            if not going:
                return
            self._answers.get()()
            going -= 1
            if self._progress:
                done = self.read + self.kept + sum(failure.page is not None for failure in self.failures)
                mean = self._expected / max(1, self._opened)
                self._progress(done, self._expected + round(mean * (len(self._files) - self._opened)))

    def _start(self, take: Callable[[Any], None], function: Callable[..., Any], *arguments: Any) -> None:
        future = self._submit(function, *arguments)
        future.add_done_callback(lambda done: self._answers.put(partial(take, done)))

    def _take_file(self, path: str, future: Any) -> None:
        self._opened += 1
        opened = self._result(path, None, future)
        if opened is None:
            return
        sha256, numbers = opened
        self._store.forget_other_than(path, sha256)
        self._expected += len(numbers)
        for number in numbers:
            if self._store.keep(path, (sha256, number, self._dpi)):
                self.kept += 1
                self.changed.add(path)
            else:
                self._waiting.append((path, number, sha256))

    def _take_page(self, path: str, number: int, sha256: str, future: Any) -> None:
        answer = self._result(path, number, future)
        if answer is None:
            self._in_a_row[path] += 1
            if self._in_a_row[path] == FAILURES_IN_A_ROW:
                self._give_up(path)
        elif answer[0] != sha256:
            self._fail(path, number, f"{path}, page {number}: the file changed while it was read; read it again")
        else:
            self._store.add(path, (sha256, number, self._dpi), answer[1])
            self._in_a_row[path] = 0
            self.changed.add(path)
            self.read += 1

    def _give_up(self, path: str) -> None:
        left = [number for other, number, _ in self._waiting if other == path]
        if left:
            self._waiting = deque(task for task in self._waiting if task[0] != path)
            self._expected -= len(left)
            why = f"given up after {FAILURES_IN_A_ROW} pages in a row that cannot be read"
            self._fail(
                path, None, f"{path}: {why}, {len(left)} pages left out; repair it, or name pages that are sound"
            )

    def _result(self, path: str, number: int | None, future: Any) -> Any:
        """What a task returned; ``None`` after its failure was noted."""
        name = path if number is None else f"{path}, page {number}"
        try:
            return future.result()
        except RedactlibError as error:
            self._fail(path, number, str(error))
        except _WorkerLost as error:
            self._fail(path, number, f"{name}: {error}; leave it out or read it alone, scaled to 300 dpi")
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            detail = "".join(traceback.format_exception(error))
            self._fail(path, number, f"{name}: reading failed ({why}); try it once more, then report it", detail)
        return None

    def _fail(self, path: str, number: int | None, reason: str, detail: str = "") -> None:
        self.failures.append(Failure(path, number, reason, detail))


# --- what workers do --------------------------------------------------------------------------------------------------

_open = threading.local()  # the file that this thread read last: the next page is mostly of the same


def open_file(path: str, pages: Collection[int] | None, dpi: float | None) -> tuple[str, list[int]]:
    """SHA-256 and wanted page numbers of a file."""
    file = _opened(path, dpi)
    return file.sha256, file.wanted(pages)


def read_page_of(path: str, number: int, dpi: float | None) -> tuple[str, str]:
    """SHA-256 of a file and the report of one page of it, as a line of JSON."""
    file = _opened(path, dpi)
    return file.sha256, analyze(file.read(number)).to_json()


def _opened(path: str, dpi: float | None) -> ScanFile:
    try:
        state = os.stat(path)
        key = (path, dpi, state.st_mtime_ns, state.st_size)
    except (OSError, ValueError):
        key = None  # ScanFile says what is wrong
    if key is None or getattr(_open, "key", None) != key:
        if getattr(_open, "key", None):
            _open.key = None
            _open.file.close()
        _open.file = ScanFile(path, dpi=dpi)
        _open.key = key
    return _open.file


# --- worker processes -------------------------------------------------------------------------------------------------


class _WorkerLost(Exception):
    """A worker process died of its task, or was ended because the task took too long."""


class _Workers:
    """Processes that run one task at a time, each under a time limit, and are replaced when they are lost.

    They are started by command, not forked or spawned from the caller's program, which so needs no ``__main__`` guard.
    """

    def __init__(self, jobs: int, seconds: float) -> None:
        if jobs < 1:
            raise ValueError(f"jobs {jobs}: expected 1 or more worker processes")
        self._seconds = seconds
        self._tasks: queue.SimpleQueue[tuple[Future, bytes] | None] = queue.SimpleQueue()
        self._closed = False
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._threads = [threading.Thread(target=self._serve, args=(n,), daemon=True) for n in range(jobs)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        future: Future = Future()
        self._tasks.put((future, pickle.dumps((function, arguments))))
        return future

    def _serve(self, number: int) -> None:
        while (task := self._tasks.get()) is not None and not self._closed:
            future, request = task
            try:
                good, answer = self._ask(number, request)
            except Exception as error:
                good, answer = False, error
            if good:
                future.set_result(answer)
            else:
                future.set_exception(answer)

    def _ask(self, number: int, request: bytes) -> tuple[bool, Any]:
        process = self._processes.get(number)
        fresh = process is None
        if process is None:
            process = self._processes[number] = subprocess.Popen(
                [sys.executable, "-P", "-c", "from redactlib.batch import work; work()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )
        assert process.stdin is not None
        assert process.stdout is not None
        started = time.monotonic()
        try:
            if fresh:  # it says when it is ready: a busy machine's slow start is not the task's time
                with _killed_after(_START_SECONDS, process):
                    pickle.load(process.stdout)
                started = time.monotonic()
            with _killed_after(self._seconds, process):
                process.stdin.write(request)
                process.stdin.flush()
                return pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            del self._processes[number]
            process.kill()
            process.communicate()
            code = process.returncode
            cause = f"signal {-code}" if code < 0 else f"exit status {code}"
            limit = f"took more than {self._seconds:g} s"
            raise _WorkerLost(
                limit if time.monotonic() - started >= self._seconds else f"ended its worker process ({cause})"
            ) from error

    def close(self) -> None:
        self._closed = True
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            while thread.is_alive():  # one may just be starting its process
                for process in list(self._processes.values()):
                    process.kill()
                thread.join(0.1)


_START_SECONDS = 120.0


@contextlib.contextmanager
def _killed_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a process if what is done meanwhile takes longer."""
    watchdog = threading.Timer(seconds, process.kill)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def work() -> None:
    """Run tasks from stdin until it closes: what a worker process does."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends its workers
    os.environ.update(OMP_NUM_THREADS="1", OMP_THREAD_LIMIT="1")
    cv2.setNumThreads(1)
    answers.write(pickle.dumps("ready"))
    answers.flush()
    while True:
        try:
            function, arguments = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, error)
        try:
            data = pickle.dumps(answer)
        except Exception:  # an error that holds something that cannot travel
            data = pickle.dumps((False, RuntimeError(repr(answer[1]))))
        answers.write(data)
        answers.flush()


# --- reports on disk --------------------------------------------------------------------------------------------------


class _Store:
    """Page reports as lines of JSON in a file, found by path and page, or by the content that they were read from."""

    def __init__(self, out: str | Path | None, *, resume: bool) -> None:
        self._places: dict[tuple[str, int], tuple[Key, int]] = {}  # of each path and page: its key, and where it stands
        self._known: dict[Key, int] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="redactlib-") if out is None else None  # as long as the store
        self._out = Path(out or os.path.join(str(self._folder and self._folder.name), "reports.jsonl"))
        with _writing(self._out):
            self._out.parent.mkdir(parents=True, exist_ok=True)
            if self._out.exists() and not self._out.is_file():
                raise ReportError(f"{out}: is no regular file; give the name of one")
            if self._out.exists() and resume:
                os.truncate(self._out, self._take_up())
            else:
                self._out.write_bytes(b"")

    def _take_up(self) -> int:
        """Learn what an earlier run wrote; where its last whole line ends, for one cut short is written again."""
        end = 0
        with open(self._out, "rb") as file:
            for line in file:
                if not line.endswith(b"\n") and line.startswith(LINE_START[: len(line)]):
                    break
                try:
                    data = load_json(line)
                    if data["schema"] != PAGE_SCHEMA:
                        raise ReportError(f"schema {data['schema']!r}")
                    source, image = data["source"], data["image"]
                    dpi = image["dpi"] if image["dpi_source"] == "given" else None
                    self._note(str(source["path"]), (str(source["sha256"]), int(source["page"]), dpi), end)
                except (ReportError, KeyError, TypeError, ValueError) as error:
                    raise ReportError(
                        f"{self._out}: byte {end} begins a line that is no page report; give another file"
                    ) from error
                end += len(line)
        return end

    def _note(self, path: str, key: Key, place: int) -> None:
        self._places[path, key[1]] = key, place
        self._known[key] = place

    def add(self, path: str, key: Key, line: str) -> None:
        """Write the report of a page, and wait until it is safe."""
        with _writing(self._out), open(self._out, "ab") as file:
            place = file.tell()
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._note(path, key, place)

    def keep(self, path: str, key: Key) -> bool:
        """Whether a page is known; if it is so from a copy of the file, its report is written for this one too."""
        if self._places.get((path, key[1]), (None, 0))[0] == key:
            return True
        if key not in self._known:
            return False
        report = self._report(self._known[key])
        self.add(path, key, replace(report, source=replace(report.source, path=path)).to_json())
        return True

    def forget_other_than(self, path: str, sha256: str) -> None:
        """Let go of the reports of a file as it was before it changed."""
        for at in [at for at, (key, _) in self._places.items() if at[0] == path and key[0] != sha256]:
            del self._places[at]

    def _line(self, place: int) -> bytes:
        with open(self._out, "rb") as file:
            file.seek(place)
            return file.readline()

    def _report(self, place: int) -> PageReport:
        return PageReport.from_json(self._line(place))

    def pages_of(self, path: str) -> list[PageReport]:
        return [self._report(place) for _, place in self._ordered().get(path, [])]

    def _ordered(self) -> dict[str, list[tuple[int, int]]]:
        """Of each path, its pages in order and where their reports stand."""
        pages: dict[str, list[tuple[int, int]]] = {}
        for (path, number), (_, place) in self._places.items():
            pages.setdefault(path, []).append((number, place))
        return {path: sorted(found) for path, found in pages.items()}

    def finish(self, files: Sequence[str], changed: Collection[str]) -> None:
        """Put the lines in the order of the files, and into changed ones what their pages agree on; all or nothing."""
        part = self._out.with_name(self._out.name + ".part")
        with _writing(self._out):
            with open(part, "wb") as file:
                ordered = self._ordered()
                asked = {path: ordered.pop(path) for path in files if path in ordered}
                for path, found in [*ordered.items(), *asked.items()]:
                    if path in changed:
                        pages = conclude(path, [self._report(place) for _, place in found]).pages
                        lines = [page.to_json().encode() + b"\n" for page in pages]
                    else:
                        lines = [self._line(place) for _, place in found]
                    for (number, _), line in zip(found, lines, strict=True):
                        self._places[path, number] = self._places[path, number][0], file.tell()
                        file.write(line)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self._out)


@contextlib.contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportError(f"{out}: cannot be written ({error.strerror}); check path, space and permissions") from error
