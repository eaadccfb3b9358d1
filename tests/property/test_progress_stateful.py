"""Two who read the batch log in orders of their own, and a model that knows plain sets only.

Events are told, and heard by either of the two whenever it likes and as often as it likes. After
each step both are compared with the model; as soon as both have heard the same, with each other.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)

from streamapp import progress
from streamapp.events import (
    BatchCancelled,
    BatchOpened,
    Cursor,
    ExpansionAdvanced,
    Outcome,
    PhotosFinished,
    RunStarted,
    RunSwept,
)
from streamapp.progress import Counts
from tests.property.test_progress_fold import BATCH, FIRST_INDEXES, PART_PHOTOS, opening
from tests.property.test_progress_runs import OF_RUN, meaning, starting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.stateful import MultipleResults

    from streamapp.events import BatchLogEvent
    from streamapp.progress import Progress, Status

pytestmark = pytest.mark.timeout(420)  # when it fails, hypothesis takes minutes to say it shortly

FIRST, *LATER = RUNS = (1, *OF_RUN)
PHOTOS = range(len(FIRST_INDEXES) * PART_PHOTOS)
FEW = (0, 1, 2, 19, 21, 39, 40, 59)
"""Photos of all parts that the outcomes are of, most of them in several runs."""

State = Literal["completed", "failed", "cancelled"]


class Model:
    """What follows from the events that were heard, whatever their order: sets and nothing else."""

    def __init__(self, heard: list[BatchLogEvent]) -> None:
        self.opened: set[int] = set()
        self.cursors: dict[int, dict[int, int]] = defaultdict(dict)
        self.states: dict[int, dict[int, set[State]]] = defaultdict(lambda: defaultdict(set))
        self.cancelled: set[int] = set()
        self.started: set[int] = set()
        for event in heard:
            self._hear(event)

    def _hear(self, event: BatchLogEvent) -> None:
        match event:
            case BatchOpened():
                self.opened.add(event.first_index)
            case ExpansionAdvanced():
                of_run = self.cursors[event.run]
                before = of_run.get(event.first_index, 0)
                of_run[event.first_index] = max(before, event.cursor.index)
            case PhotosFinished():
                for outcome in event.outcomes:
                    self.states[event.run][outcome.index].add(outcome.state)
            case BatchCancelled():
                self.cancelled.add(event.run)
            case RunStarted():
                self.started.add(event.run)

    def finished(self, run: int) -> set[int]:
        return {index for index, told in self.states[run].items() if told - {"cancelled"}}

    def failed(self, run: int) -> set[int]:
        return {index for index in self.finished(run) if "completed" not in self.states[run][index]}

    def of_crops(self, until: int) -> set[tuple[int, int, bool]]:
        """What was told of photos up to a run: each may have left a crop that nobody wants."""
        return {
            (run, index, index in self.finished(run))
            for run in RUNS
            if run <= until
            for index in self.states[run]
        }

    @property
    def processed(self) -> set[int]:
        return set().union(*map(self.finished, RUNS))

    @property
    def failed_at_last(self) -> set[int]:
        last = {index: run for run in RUNS for index in self.finished(run)}
        return {index for index, run in last.items() if index in self.failed(run)}

    @property
    def total(self) -> int:
        ends = {first + PART_PHOTOS for first in self.opened}
        return max(ends | self.cursors[FIRST].keys(), default=0)


class Reader:
    """One who folds what it hears; it remembers the most that it ever said."""

    def __init__(self) -> None:
        self.state: Progress | None = None
        self.heard: list[BatchLogEvent] = []
        self.processed = 0
        self.swept: dict[int, tuple[int, set[tuple[int, int, bool]]]] = {}

    def hear(self, event: BatchLogEvent) -> None:
        self.state = progress.fold(self.state, event)
        self.heard.append(event)

    def die_and_recover(self) -> None:
        if self.state:
            self.state = progress.decode(progress.encode(self.state))

    def has_heard(self, events: Iterable[BatchLogEvent]) -> bool:
        return all(event in self.heard for event in events)


class BatchLog(RuleBasedStateMachine):
    """The log of one batch with several parts and several runs, and its two readers."""

    places = Bundle("places")
    readers = st.sampled_from([0, 1])

    def __init__(self) -> None:
        super().__init__()
        self.log: list[BatchLogEvent] = []
        self.both = Reader(), Reader()

    def tell(self, event: BatchLogEvent) -> int:
        self.log.append(event)
        return len(self.log) - 1

    @property
    def opened(self) -> list[BatchOpened]:
        return [event for event in self.log if isinstance(event, BatchOpened)]

    @property
    def cancelled(self) -> set[int]:
        return {event.run for event in self.log if isinstance(event, BatchCancelled)}

    @rule(target=places, first_index=st.sampled_from(FIRST_INDEXES), at=st.floats(1, 1000))
    def a_part_is_opened(self, first_index: int, at: float) -> int:
        return self.tell(opening(first_index, at))

    @rule(target=places, run=st.sampled_from(LATER))
    def a_run_is_started(self, run: int) -> int:
        return self.tell(starting(run))

    @rule(
        target=places,
        run=st.sampled_from(RUNS),
        first_index=st.sampled_from(FIRST_INDEXES),
        index=st.sampled_from([1, 10, PART_PHOTOS]),
    )
    def photos_are_queued(self, run: int, first_index: int, index: int) -> int:
        return self.tell(self._queued(run, first_index, index))

    @rule(target=places, first_index=st.sampled_from(FIRST_INDEXES))
    def a_part_is_opened_and_queued_to_its_end(self, first_index: int) -> MultipleResults[int]:
        return multiple(
            self.tell(opening(first_index, 1.0)),
            self.tell(self._queued(FIRST, first_index, PART_PHOTOS)),
        )

    @precondition(lambda self: self.opened)
    @rule(
        target=places,
        run=st.sampled_from(RUNS),
        states=st.dictionaries(
            st.sampled_from(FEW), st.sampled_from(["completed", "failed"]), min_size=1
        ),
    )
    def photos_are_finished(self, run: int, states: dict[int, State]) -> int:
        return self.tell(self._frame(run, states))

    @precondition(lambda self: self.opened)
    @rule(target=places, run=st.sampled_from(RUNS), failed=st.booleans())
    def all_photos_are_finished(self, run: int, *, failed: bool) -> int:
        state: State = "failed" if failed else "completed"
        return self.tell(self._frame(run, dict.fromkeys(PHOTOS, state)))

    @rule(target=places, run=st.sampled_from(RUNS), at=st.floats(1, 1000))
    def a_run_is_cancelled(self, run: int, at: float) -> int:
        return self.tell(BatchCancelled(batch=BATCH, project="p", run=run, cancelled_at=at))

    @precondition(lambda self: self.opened and self.cancelled)
    @rule(target=places, data=st.data(), photos=st.sets(st.sampled_from(FEW), min_size=1))
    def photos_are_passed_over(self, data: st.DataObject, photos: set[int]) -> int:
        run = data.draw(st.sampled_from(sorted(self.cancelled)))
        return self.tell(self._frame(run, dict.fromkeys(photos, "cancelled")))

    @rule(target=places, which=readers, run=st.sampled_from(LATER))
    def a_run_is_swept(self, which: int, run: int) -> int:
        state = self.both[which].state
        told = 0
        if state:
            known = next((each for each in state.runs if each.run == run), progress.Run(run=run))
            told = progress.told_until(state, known)
        return self.tell(RunSwept(batch=BATCH, project="p", run=run, told=told))

    def _queued(self, run: int, first_index: int, index: int) -> ExpansionAdvanced:
        cursor = Cursor(index=index)
        return ExpansionAdvanced(
            batch=BATCH, project="p", run=run, first_index=first_index, cursor=cursor
        )

    def _frame(self, run: int, states: dict[int, State]) -> PhotosFinished:
        """Outcomes of photos that there are: of opened parts, and of the run."""
        photos = {
            first + n
            for first in (event.first_index for event in self.opened)
            for n in range(PART_PHOTOS)
        }
        outcomes = tuple(
            Outcome(index=index, name="a.jpg", state=state, finished_at=1.0 + index)
            for index, state in states.items()
            if index in photos & set(OF_RUN.get(run, photos))
        )
        return PhotosFinished(batch=BATCH, project="p", run=run, outcomes=outcomes)

    @rule(which=readers, place=places)
    def one_hears_an_event(self, which: int, place: int) -> None:
        self.both[which].hear(self.log[place])

    @rule(which=readers)
    def one_hears_all_again(self, which: int) -> None:
        for event in self.log:
            self.both[which].hear(event)

    @rule()
    def both_hear_what_they_have_not(self) -> None:
        one, other = self.both
        for event in self.log:
            if event not in one.heard:
                one.hear(event)
        for event in reversed(self.log):
            if event not in other.heard:
                other.hear(event)

    @rule(which=readers)
    def one_dies_and_recovers(self, which: int) -> None:
        self.both[which].die_and_recover()

    @invariant()
    def each_knows_what_the_model_knows(self) -> None:
        for reader in self.both:
            if reader.state:
                assert_told(progress.status(reader.state), Model(reader.heard))

    @invariant()
    def nothing_that_was_said_is_taken_back(self) -> None:
        for reader in self.both:
            if not reader.state:
                continue
            processed = progress.status(reader.state).progress.processed
            assert processed >= reader.processed
            reader.processed = processed

    @invariant()
    def what_is_new_of_a_photo_has_its_run_swept_again(self) -> None:
        for reader in self.both:
            if not reader.state:
                continue
            model = Model(reader.heard)
            for run in (reader.state, *reader.state.runs):
                told, of_crops = progress.told_until(reader.state, run), model.of_crops(run.run)
                before, known = reader.swept.get(run.run, (0, set()))
                assert told - before >= len(of_crops - known)
                reader.swept[run.run] = told, of_crops

    @invariant()
    def a_batch_that_is_known_wholly_has_no_more_processed_than_there_are(self) -> None:
        sealing = [event for event in self.log if isinstance(event, BatchOpened | BatchCancelled)]
        for reader in self.both:
            if reader.state and reader.has_heard(sealing):
                told = progress.status(reader.state)
                assert told.progress.processed <= told.progress.total
                if told.status == "completed":
                    assert told.progress.processed == told.progress.total

    @invariant()
    def who_heard_the_same_knows_the_same(self) -> None:
        one, other = self.both
        if one.state and other.state and one.has_heard(other.heard) and other.has_heard(one.heard):
            assert meaning(one.state) == meaning(other.state)
            assert progress.status(one.state) == progress.status(other.state)

    def _check(self) -> None:
        self.each_knows_what_the_model_knows()
        self.nothing_that_was_said_is_taken_back()
        self.what_is_new_of_a_photo_has_its_run_swept_again()
        self.a_batch_that_is_known_wholly_has_no_more_processed_than_there_are()
        self.who_heard_the_same_knows_the_same()

    def teardown(self) -> None:
        """What is done to its end is complete, and swept once, for whoever hears it."""
        self.both_hear_what_they_have_not()
        self._check()
        self.log += [opening(first, 1.0) for first in FIRST_INDEXES]
        self.log += [self._frame(run, dict.fromkeys(PHOTOS, "completed")) for run in RUNS]
        self.both_hear_what_they_have_not()
        self._check()
        for reader in self.both:
            assert reader.state
            model = Model(reader.heard)
            told = progress.status(reader.state)
            is_cancelled = FIRST in model.cancelled and not model.started
            assert told.status == ("cancelled" if is_cancelled else "completed")
            assert told.progress.processed == told.progress.total == len(PHOTOS)
            for run, photos in progress.over(reader.state).items():
                later = (set(OF_RUN[each]) for each in model.started if each > run)
                assert set(photos) == set().union(*later)
            for unswept in list(progress.unswept(reader.state)):
                until = progress.told_until(reader.state, unswept)
                reader.hear(RunSwept(batch=BATCH, project="p", run=unswept.run, told=until))
            assert not any(progress.unswept(reader.state))


def assert_told(told: Status, model: Model) -> None:
    """The status says what the model does, and its counts sum up."""
    processed, failed, total = len(model.processed), len(model.failed_at_last), model.total
    assert told.progress == Counts(processed=processed, total=total, failed=failed)
    assert told.image_count == total
    assert told.queued == sum(model.cursors[FIRST].values())
    assert told.cancelled == (total - processed if FIRST in model.cancelled else 0)
    assert told.run == max(model.started, default=FIRST)
    assert [run.run for run in told.runs] == (
        [FIRST, *sorted(model.started)] if model.started else []
    )
    for run in told.runs:
        assert run.photos == (total if run.run == FIRST else len(OF_RUN[run.run]))
        assert run.processed == len(model.finished(run.run))
        assert run.failed == len(model.failed(run.run))
        assert (run.status == "cancelled") == (run.run in model.cancelled)
        left = run.photos - run.processed
        assert run.cancelled == (left if run.run in model.cancelled else 0)


TestBatchLog = BatchLog.TestCase
TestBatchLog.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
