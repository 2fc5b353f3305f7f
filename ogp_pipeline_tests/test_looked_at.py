"""A file is looked at once as long as it stays as it is, and again as soon as it may hold other bytes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ogp_pipeline.sources import looked_at
from ogp_pipeline.sources.looked_at import LookedAt


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that changed long enough ago: the clock of the system is not waited for."""
    monkeypatch.setattr(looked_at, "SETTLED_AFTER_SECONDS", -1.0)
    path = tmp_path / "commitments.csv"
    path.write_text("one")
    return path


def write_in_place(path: Path) -> None:
    modified = path.stat().st_mtime_ns
    with path.open("r+") as target:
        target.write("two")
    os.utime(path, ns=(modified, modified))


def replace_by_another(path: Path) -> None:
    modified = path.stat().st_mtime_ns
    other = path.with_name("other")
    other.write_text("two")
    os.utime(other, ns=(modified, modified))
    other.replace(path)


@pytest.mark.parametrize(
    ("change", "looks"),
    [
        pytest.param(lambda path: None, 1, id="nothing happened"),
        pytest.param(lambda path: path.write_text("longer"), 2, id="another size"),
        pytest.param(write_in_place, 2, id="same size and a forged time of writing: the time of change tells"),
        pytest.param(replace_by_another, 2, id="another file under the name, of the same size and time"),
    ],
)
def test_a_file_is_looked_at_again_only_when_it_may_have_changed(
    file: Path, change: Callable[[Path], None], looks: int
) -> None:
    seen = LookedAt[str]()
    counted: list[str] = []

    def look() -> str:
        counted.append(file.read_text())
        return counted[-1]

    assert seen.once(file, "text", look) == "one"
    change(file)
    assert seen.once(file, "text", look) == file.read_text()
    assert len(counted) == looks


def test_another_question_is_another_look(file: Path) -> None:
    seen = LookedAt[str]()
    assert seen.once(file, "first", lambda: "a") == "a"
    assert seen.once(file, "second", lambda: "b") == "b"


def test_what_fails_or_is_not_there_is_asked_every_time(file: Path) -> None:
    seen = LookedAt[str]()
    with pytest.raises(ZeroDivisionError):
        seen.once(file, "text", lambda: str(1 // 0))
    assert seen.once(file, "text", lambda: "read") == "read"
    absent = file.with_name("absent")
    assert [seen.once(absent, "text", lambda answer=answer: answer) for answer in ("a", "b")] == ["a", "b"]


def test_a_file_that_has_just_changed_is_not_trusted(tmp_path: Path) -> None:
    """It could change again within one tick of the clock of the file system."""
    path = tmp_path / "commitments.csv"
    path.write_text("one")
    seen = LookedAt[str]()
    assert time.time() - path.stat().st_ctime < looked_at.SETTLED_AFTER_SECONDS
    assert [seen.once(path, "text", lambda answer=answer: answer) for answer in ("a", "b")] == ["a", "b"]
