"""Other processes of this one, for work that can be done beside the rest: calls go in, results come out in order.

There is one for each kind of work. It is started by the first call and kept for the next ones, for what it has imported
and prepared is most of the work. It ends with this process, however this one ends. `multiprocessing` would import the
main module anew, which may be anything; this runs nothing but `python -m ogp_pipeline.aside`.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import IO, Any

from ogp_pipeline.settings import PACKAGE_DIR

PIPE_BYTES = 1 << 20  # what one side can say while the other is busy
LENGTH_BYTES = 8  # of a call, before the call


class AsideError(RuntimeError):
    """The other process ended before it answered, or failed in a way that cannot be told otherwise."""


@dataclass
class Aside:
    """Another process. `answers` are those that nobody has asked for yet, by the number of their call."""

    process: subprocess.Popen[bytes]
    blocks: int = 0  # that use it now
    calls: int = 0
    answered: int = 0
    answers: dict[int, tuple[bool, Any]] = field(default_factory=dict)

    def begin(self, function: Callable[..., Any], *arguments: Any) -> int:
        """Have a function of a module called after all that was begun before; the number by which to ask for it."""
        call = pickle.dumps((function, arguments))
        try:
            self.process.stdin.write(len(call).to_bytes(LENGTH_BYTES))
            self.process.stdin.write(call)
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise self._gone() from error
        self.calls += 1
        return self.calls

    def result(self, call: int) -> Any:
        """Wait for what a call returned; what it raised is raised here, with its traceback as a note."""
        while call not in self.answers:
            try:
                answer = pickle.load(self.process.stdout)
            except (EOFError, pickle.UnpicklingError) as error:
                raise self._gone() from error
            self.answered += 1
            self.answers[self.answered] = answer
        is_good, value = self.answers.pop(call)
        if not is_good:
            raise value
        return value

    @property
    def is_idle(self) -> bool:
        """It lives and has answered every call."""
        return self.process.poll() is None and self.answered == self.calls

    def end(self) -> None:
        """End the process, whatever it does."""
        self.process.kill()
        with suppress(BrokenPipeError):  # what could not be said any more
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _gone(self) -> AsideError:
        status = self.process.wait()
        return AsideError(f"the process that works beside this one ended with status {status}: run again")


_running: dict[tuple[int, str], Aside] = {}  # a process that was forked has its own


@contextmanager
def aside(work: str) -> Iterator[Aside]:
    """The process for a kind of work, for a block. Where a call is unanswered when the last block ends, it is ended."""
    name = os.getpid(), work
    if not _is_there(name):
        _running[name] = _start()
    helper = _running[name]
    helper.blocks += 1
    try:
        yield helper
    finally:
        helper.blocks -= 1
        if not helper.blocks and not helper.is_idle:
            _running.pop(name)
            helper.end()


def begin_ahead(work: str, function: Callable[[], None]) -> None:
    """Start the process for a kind of work where there is none, and have it call `function` before all else."""
    name = os.getpid(), work
    if not _is_there(name):
        _running[name] = _start()
        _running[name].begin(function)


def _is_there(name: tuple[int, str]) -> bool:
    """Whether a process for this work was started and, where no block uses it now, still lives."""
    helper = _running.get(name)
    return helper is not None and (helper.blocks > 0 or helper.process.poll() is None)


def _start() -> Aside:
    path = os.pathsep.join(filter(None, (str(PACKAGE_DIR.parent), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-P", "-m", "ogp_pipeline.aside"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=PIPE_BYTES,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # a key that interrupts is for this process, which then ends the other
    )
    helper = Aside(process)
    atexit.register(helper.end)
    return helper


def serve() -> None:
    """Answer calls until there is nobody who could call."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed must not stand among the answers
    calls: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        pickle.dump(_answer(calls), answers)
        answers.flush()


def _listen(source: IO[bytes], calls: SimpleQueue) -> None:
    """Take calls; end this process at once, whatever it does, when the one that calls has ended.

    They are not opened here: that imports modules, and two threads that import the same ones can meet half of one.
    """
    try:
        while length := source.read(LENGTH_BYTES):
            calls.put(source.read(int.from_bytes(length)))
    finally:
        os._exit(0)


def _answer(calls: SimpleQueue[bytes]) -> tuple[bool, Any]:
    try:
        function, arguments = pickle.loads(calls.get())  # its bytes are held no longer than this
        return True, function(*arguments)
    except Exception as error:  # whatever it is, it is raised where the result is asked for
        told = traceback.format_exc()
        try:
            error = pickle.loads(pickle.dumps(error))
        except Exception:  # it cannot be sent: its text can
            error = AsideError(f"{type(error).__name__}: {error}")
        error.add_note(told)
        return False, error


if __name__ == "__main__":
    serve()
