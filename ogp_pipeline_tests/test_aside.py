"""The second process: it does what it is asked in order, fails where it is asked, and never outlives its owner."""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from ogp_pipeline.aside import AsideError, aside, begin_ahead
from ogp_pipeline.release.manifest import write_manifest


def test_calls_are_answered_in_order_and_asked_for_in_any() -> None:
    with aside("work") as second:
        calls = [second.begin(math.factorial, number) for number in range(5)]
        assert [second.result(call) for call in reversed(calls)] == [24, 6, 2, 1, 1]
        assert second.result(second.begin(os.getpid)) == second.process.pid != os.getpid()


def test_it_is_kept_for_the_next_block() -> None:
    with aside("work") as first:
        first.result(first.begin(os.getpid))
    with aside("work") as second:
        assert second is first


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        pytest.param((int, "x"), ValueError, "invalid literal", id="an ordinary error"),
        pytest.param(
            (os.listdir, "/nowhere"), FileNotFoundError, "/nowhere", id="an error of the system keeps its kind"
        ),
        pytest.param(
            (write_manifest, Path("/nowhere/x"), Path("/nowhere")),
            duckdb.IOException,
            "nowhere",
            id="an error of a library",
        ),
    ],
)
def test_what_fails_there_fails_here(call: tuple, kind: type[Exception], message: str) -> None:
    with aside("work") as second:
        with pytest.raises(kind, match=message) as raised:
            second.result(second.begin(*call))
        assert "Traceback" in raised.value.__notes__[0]
        assert second.result(second.begin(math.sqrt, 4)) == 2  # and it goes on


def test_what_is_printed_there_is_no_answer() -> None:
    with aside("work") as second:
        assert second.result(second.begin(print, "hello")) is None


@pytest.mark.parametrize(
    "call", [pytest.param((os._exit, 9), id="ends by itself"), pytest.param((os.kill, 0), id="is killed")]
)
def test_a_process_that_is_gone_is_told_and_replaced(call: tuple) -> None:
    with pytest.raises(AsideError, match="ended with status"), aside("work") as second:
        function, argument = call
        arguments = (second.process.pid, signal.SIGKILL) if function is os.kill else (argument,)
        second.result(second.begin(function, *arguments))
    with aside("work") as another:
        assert another is not second
        assert another.result(another.begin(math.sqrt, 4)) == 2


def test_one_that_died_between_two_blocks_is_replaced_unseen() -> None:
    with aside("work") as first:
        first.result(first.begin(os.getpid))
    first.process.kill()
    first.process.wait()
    with aside("work") as second:
        assert second.result(second.begin(math.sqrt, 4)) == 2


def test_each_kind_of_work_has_its_own_and_what_is_begun_ahead_comes_first() -> None:
    begin_ahead("other", os.getpid)
    with aside("work") as work, aside("other") as other:
        begin_ahead("other", os.getpid)  # it is there: nothing is begun
        assert other.result(other.begin(os.getpid)) == other.process.pid != work.process.pid
        assert other.calls == 2


def test_a_block_within_a_block_leaves_the_work_of_the_other() -> None:
    with aside("work") as outer:
        call = outer.begin(math.sqrt, 9)
        with aside("work") as inner:
            assert inner is outer
        assert outer.result(call) == 3


def test_work_that_nobody_waits_for_is_ended() -> None:
    with pytest.raises(KeyError), aside("work") as second:
        second.begin(time.sleep, 600)
        raise KeyError("the block failed")
    assert second.process.returncode == -signal.SIGKILL


def test_it_ends_when_its_owner_is_killed() -> None:
    owner = (
        "import time\n"
        "from ogp_pipeline.aside import aside\n"
        "with aside('work') as second:\n"
        "    second.begin(time.sleep, 600)\n"
        "    print(second.process.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        descriptor = os.pidfd_open(pid)
        process.kill()
    ended, _, _ = select.select([descriptor], [], [], 30)
    os.close(descriptor)
    assert ended
