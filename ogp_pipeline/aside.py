"""A second process of this one, for work that can be done beside the rest: calls go in, results come out in order.

It is started by the first call and kept for the next ones, for what it has imported and prepared is most of the work.
It ends with this process, however this one ends. `multiprocessing` would import the main module anew, which may be
anything; this runs nothing but `python -m ogp_pipeline.aside`.
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


class AsideError(RuntimeError):
    """The second process ended before it answered, or failed in a way that cannot be told otherwise."""


@dataclass
class Aside:
    """The second process. `answers` are those that nobody has asked for yet, by the number of their call."""

    process: subprocess.Popen[bytes]
    calls: int = 0
    answered: int = 0
    answers: dict[int, tuple[bool, Any]] = field(default_factory=dict)

    def begin(self, function: Callable[..., Any], *arguments: Any) -> int:
        """Have a function of a module called after all that was begun before; the number by which to ask for it."""
        call = pickle.dumps((function, arguments))
        try:
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


_running: list[Aside] = []


@contextmanager
def aside() -> Iterator[Aside]:
    """The second process for a block. Where the block ends with unanswered calls, it is ended with them."""
    if not _running:
        _running.append(_start())
    helper = _running[0]
    try:
        yield helper
    finally:
        if not helper.is_idle:
            _running.remove(helper)
            helper.end()


def _start() -> Aside:
    path = os.pathsep.join(filter(None, (str(PACKAGE_DIR.parent), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-P", "-m", "ogp_pipeline.aside"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
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
    calls: SimpleQueue[tuple[Callable[..., Any], tuple]] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        function, arguments = calls.get()
        pickle.dump(_answer(function, arguments), answers)
        answers.flush()


def _listen(source: IO[bytes], calls: SimpleQueue) -> None:
    """Take calls; end this process at once, whatever it does, when the one that calls has ended."""
    try:
        while True:
            calls.put(pickle.load(source))
    finally:
        os._exit(0)


def _answer(function: Callable[..., Any], arguments: tuple) -> tuple[bool, Any]:
    try:
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
