"""Builds the tables of a run ahead of the steps that will ask for them.

Dagster takes as long to note what a step did as the step takes to do it, and DuckDB needs nothing of Python while it
works. So in a run of everything a second thread builds what comes next, in the order of the steps, and begins its
checks. A run of some assets builds them in their own steps.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

from ogp_pipeline.building import downloads, tables_built
from ogp_pipeline.errors import OgpError
from ogp_pipeline.judging import Judge, begin_checks, judge
from ogp_pipeline.locking import only_writer
from ogp_pipeline.models import Catalog, Model
from ogp_pipeline.quality import Verdict, check_groups
from ogp_pipeline.settings import Settings
from ogp_pipeline.store import Store, TableState

# Rows of tables that wait to be taken: until they are judged as many lie in memory.
ROWS_AHEAD = 200_000


@dataclass
class Built:
    """The tables of a step by name: what is known of each, how long it took, and what waits for its verdicts."""

    states: dict[str, TableState] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    verdicts: dict[str, Callable[[], list[Verdict]]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Those of all its tables."""
        return sum(state.rows for state in self.states.values())


def build(
    settings: Settings,
    catalog: Catalog,
    one: Judge,
    models: Sequence[Model],
    checked: Iterable[Model],
    replace_release: bool,
) -> Built:
    """Build tables of one step in order, and begin the checks of `checked` as soon as what they read is there."""
    store = Store(settings.tables_dir, catalog)
    built = Built()
    waiting = list(checked)
    to_come = {model.name for model in models}

    def begin_what_can_be() -> None:
        for model in [each for each in waiting if not to_come & {each.name, *each.checks_read}]:
            built.verdicts[model.name] = begin_checks(one, store, model)
            waiting.remove(model)

    begin_what_can_be()
    began = time.monotonic()
    for model, state in tables_built(settings, catalog, tuple(models), replace_release):
        built.states[model.name] = state
        built.seconds[model.name] = time.monotonic() - began
        to_come.remove(model.name)
        begin_what_can_be()
        began = time.monotonic()
    return built


class Ahead:
    """The steps of one run, built in order by a thread that pauses where ROWS_AHEAD were built and not taken.

    `steps`: step -> those it comes after. `build_step` builds one; `around` is entered by the thread for as long as it
    works, and `at_end` is called when it has been stopped. A step that comes after one that failed is not built, as
    Dagster will not run it.
    """

    def __init__(
        self,
        steps: Mapping[str, Iterable[str]],
        build_step: Callable[[str], Built],
        around: AbstractContextManager[object],
        at_end: Callable[[], object] = lambda: None,
    ) -> None:
        self._steps = steps
        self._build_step = build_step
        self._around = around
        self._at_end = at_end
        self._built: dict[str, Built] = {}
        self._failed: dict[str, Exception] = {}
        self._asked: str | None = None
        self._is_over = False
        self._change = Condition()
        self._thread = Thread(target=self._work, name="building ahead", daemon=True)
        self._thread.start()

    def take(self, step: str) -> Built | None:
        """What was built of a step, waited for; None where it is not built here. What building it raised is raised."""
        with self._change:
            self._asked = step
            self._change.notify_all()
            self._change.wait_for(lambda: step in self._built or step in self._failed or self._is_over)
            self._asked = None
            if step in self._failed:
                raise self._failed[step]
            built = self._built.pop(step, None)
            self._change.notify_all()
            return built

    def stop(self) -> None:
        """Build no further step, and wait until the one that is being built is done."""
        with self._change:
            self._is_over = True
            self._change.notify_all()
        self._thread.join()
        self._at_end()

    def _work(self) -> None:
        try:
            with self._around:
                for step, before in self._steps.items():
                    failures = [self._failed[each] for each in before if each in self._failed]
                    if failures:
                        self._note(self._failed, step, failures[0])
                    elif self._may_go_on():
                        self._build(step)
                    else:
                        break
        except Exception as error:  # raised by whoever asks for a step
            for step in self._steps.keys() - self._built.keys():
                self._note(self._failed, step, error)
        finally:
            with self._change:
                self._is_over = True
                self._change.notify_all()

    def _may_go_on(self) -> bool:
        with self._change:
            self._change.wait_for(
                lambda: (
                    self._is_over
                    or sum(built.rows for built in self._built.values()) < ROWS_AHEAD
                    or self._asked not in {None, *self._built}
                )
            )
            return not self._is_over

    def _build(self, step: str) -> None:
        try:
            built = self._build_step(step)
        except Exception as error:
            self._note(self._failed, step, error)
        else:
            self._note(self._built, step, built)

    def _note(self, outcomes: dict[str, Any], step: str, outcome: Any) -> None:
        with self._change:
            outcomes[step] = outcome
            self._change.notify_all()


_running: dict[str, Ahead] = {}  # by run: that of the last one
_given_up: set[str] = set()  # runs in which a step failed


def ahead_of_run(
    run_id: str, settings: Settings, catalog: Catalog, replace_release: bool, step: str | None = None
) -> Ahead | None:
    """What builds the tables of a run of everything, from when it is first asked for; None where nothing is built yet.

    It does not download, for whoever stops a run that downloads does not want to wait: then the steps that come after
    no other are not built here, and `step`, the one that asks, must come after them. Nothing is built after a failure.
    """
    if run_id not in _running and run_id not in _given_up:
        before = catalog.steps_before()
        try:
            is_downloading = downloads(settings)
        except OgpError:  # the step that reads the sources will raise and record it
            return None
        if is_downloading:
            before = {name: others for name, others in before.items() if others}
            if step not in before:
                return None
        stop_ahead()
        blocks = ExitStack()
        one = blocks.enter_context(judge())
        steps = dict(catalog.steps())

        def build_step(step: str) -> Built:
            checked = [model for model in steps[step] if not model.contract.private and check_groups(model)]
            return build(settings, catalog, one, steps[step], checked, replace_release)

        _running[run_id] = Ahead(before, build_step, only_writer(settings.data_dir), blocks.close)
    return _running.get(run_id)


def give_up(run_id: str) -> None:
    """Build nothing ahead in a run, for good."""
    _given_up.add(run_id)
    stop_ahead()


@atexit.register
def stop_ahead() -> None:
    """Build nothing ahead any more; who asks for a step that is not built builds it."""
    while _running:
        _running.popitem()[1].stop()
