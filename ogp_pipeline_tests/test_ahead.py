"""What is built ahead of the steps of a run: in order, no further than memory allows, and nothing after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext

import pytest

from ogp_pipeline.ahead import ROWS_AHEAD, Ahead, Built
from ogp_pipeline.errors import LockedError
from ogp_pipeline.store import TableState

CHAIN = {"a": (), "b": ("a",), "c": ("b",), "d": ("c",)}


class Builder:
    """Builds steps of so many rows, and notes which; `fails` names those that cannot be built."""

    def __init__(self, rows: int = 0, fails: Iterable[str] = ()) -> None:
        self.rows, self.fails = rows, set(fails)
        self.begun: list[str] = []

    def __call__(self, step: str) -> Built:
        self.begun.append(step)
        if step in self.fails:
            raise KeyError(step)
        return Built({step: TableState(step, self.rows, "", "", {}, "")})


@contextmanager
def working(
    builder: Callable[[str], Built], steps: Mapping[str, Iterable[str]] = CHAIN, **options: object
) -> Iterator[Ahead]:
    ahead = Ahead(steps, builder, options.pop("around", nullcontext()), **options)
    try:
        yield ahead
    finally:
        ahead.stop()


def test_steps_are_built_in_order_and_given_to_who_asks() -> None:
    builder = Builder()
    with working(builder) as ahead:
        assert [list(ahead.take(step).states) for step in CHAIN] == [["a"], ["b"], ["c"], ["d"]]
    assert builder.begun == list(CHAIN)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param("abcd", id="as they are built"),
        pytest.param("dcba", id="the last first: what is before it is built on the way, however much it is"),
        pytest.param("bda", id="some are never asked for"),
    ],
)
@pytest.mark.parametrize("rows", [0, ROWS_AHEAD])
def test_who_asks_is_answered_in_any_order(order: str, rows: int) -> None:
    with working(Builder(rows)) as ahead:
        assert [ahead.take(step).rows for step in order] == [rows] * len(order)


def test_large_steps_wait_until_those_before_are_taken() -> None:
    builder = Builder(ROWS_AHEAD)
    with working(builder) as ahead:
        time.sleep(0.3)  # far longer than it would take to build all of them
        assert builder.begun == ["a"]
        ahead.take("a")
        time.sleep(0.3)
        assert builder.begun == ["a", "b"]


def test_what_comes_after_a_failure_is_not_built_and_the_rest_is() -> None:
    builder = Builder(fails={"b"})
    steps = {"a": (), "b": (), "after b": ("b",), "after that": ("a", "after b"), "c": ("a",)}
    with working(builder, steps) as ahead:
        assert ahead.take("a")
        for step in ("b", "after b", "after that"):
            with pytest.raises(KeyError, match="b"):
                ahead.take(step)
        assert ahead.take("c")
    assert builder.begun == ["a", "b", "c"]


def test_a_folder_that_another_run_works_in_is_told_to_whoever_asks() -> None:
    @contextmanager
    def locked() -> Iterator[None]:
        raise LockedError("another run is working")
        yield

    builder = Builder()
    with working(builder, around=locked()) as ahead:
        for step in CHAIN:
            with pytest.raises(LockedError, match="another run is working"):
                ahead.take(step)
    assert builder.begun == []


def test_stopping_waits_for_the_step_that_is_built_and_builds_no_other() -> None:
    is_building, may_end, ended = threading.Event(), threading.Event(), []

    def build(step: str) -> Built:
        is_building.set()
        may_end.wait(60)
        ended.append(step)
        return Built()

    ahead = Ahead(CHAIN, build, nullcontext(), lambda: ended.append("at_end"))
    is_building.wait(60)
    stopping = threading.Thread(target=ahead.stop)
    stopping.start()
    assert ended == []
    may_end.set()
    stopping.join(60)
    assert ended == ["a", "at_end"]
    assert ahead.take("a") == Built()  # what was built is not lost
    assert ahead.take("b") is None  # who asks for it builds it


def test_a_step_is_given_once() -> None:
    with working(Builder()) as ahead:
        assert ahead.take("b")
        assert ahead.take("b") is None
