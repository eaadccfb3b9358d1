"""The job of ``streamapp replay``: each batch that was chosen is looked at and begun.

One that cannot be replayed is told, and the others go on. Doing it again begins nothing twice
while a run is not ended.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from streamapp.errors import Code, Fate, StreamappError
from streamapp.replay import These, Wish
from streamapp.replay_batches.lines import Told
from streamapp.replay_batches.patience import patiently
from streamapp.replay_batches.waiting import end_of, run_of
from streamapp.upload.batch_ids import is_batch_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamapp.meter import Meter
    from streamapp.replay import Candidate, Choice
    from streamapp.wiring.replay import Replay


class Order(NamedTuple):
    """What to do with the batches: ``rate`` photos a second are for all of them together.

    ``dry``: nothing, but tell. ``wait``: until the runs have ended.
    """

    settings: tuple[tuple[str, str], ...] = ()
    priority: int | None = None
    rate: float = 0.0
    only_failed: bool = False
    dry: bool = False
    wait: bool = False


class Job:
    """Replays batches.

    ``tell`` hears of each batch and what becomes of it, ``complain`` of each that is refused,
    ``pass_over`` of each that was found and has not ended.
    """

    def __init__(
        self,
        replay: Replay,
        meter: Meter,
        tell: Callable[[Told], None],
        complain: Callable[[str, StreamappError], None],
        pass_over: Callable[[str], None],
    ) -> None:
        self._replay = replay
        self._meter = meter
        self._tell = tell
        self._complain = complain
        self._pass_over = pass_over
        self._well = True

    async def work_off(self, choice: Choice, order: Order) -> bool:
        """Begin the run of each batch; False when one that should have been replayed was not.

        One that has not ended is passed over, unless it was named.

        Raises:
            StreamappError: what no other would fare better with: a service is away for long.
        """
        replay = self._replay
        ids = await patiently(lambda: choice.batches(replay.objects, replay.log), self._meter.say)
        wish = Wish(order.settings, order.priority, await self._share(ids, order))
        begun = []
        for batch in ids:
            with self._alone(batch, named=isinstance(choice, These)):
                told = await self._work_on(await self._look(batch, order), wish, order)
                if told.run and order.wait:
                    begun.append(told)
                else:
                    self._tell(told)
        for told in begun:
            with self._alone(told.batch, named=True):
                ended = await end_of(told, self._replay.table, self._meter)
                self._tell(told._replace(ended=ended))
                self._well &= run_of(ended, told.run).status != "cancelled"
        return self._well

    async def _look(self, batch: str, order: Order) -> Candidate:
        if not is_batch_id(batch):
            raise StreamappError(Code.BATCH_UNKNOWN)
        look = partial(self._replay.candidates.look, batch, only_failed=order.only_failed)
        return await patiently(look, self._meter.say)

    async def _share(self, ids: Sequence[str], order: Order) -> float:
        """The rate of each batch that will be begun, when it is not unlimited.

        One that has not ended counts: it may have been begun by this replay before it was cut off.
        """
        if not order.rate or order.dry:
            return 0.0
        batches = 0
        for batch in ids:
            try:
                batches += bool((await self._look(batch, order)).photos)
            except StreamappError as error:
                if error.fate is Fate.WAIT:
                    raise
                batches += error.code is Code.BATCH_OPEN
        return order.rate / max(1, batches)

    async def _work_on(self, candidate: Candidate, wish: Wish, order: Order) -> Told:
        told = Told(candidate.state.batch, len(candidate.photos), candidate.failed)
        if order.dry or not told.photos:
            return told
        begin = partial(self._replay.starts.begin, candidate, wish)
        begun = await patiently(begin, self._meter.say)
        return told._replace(run=begun.run.run, anew=begun.anew)

    @contextmanager
    def _alone(self, batch: str, *, named: bool) -> Iterator[None]:
        """What ails this batch is told, and the others go on."""
        try:
            yield
        except StreamappError as error:
            if error.fate is Fate.WAIT:
                raise
            if error.code is Code.BATCH_OPEN and not named:
                self._pass_over(batch)
                return
            self._complain(batch, error)
            self._well = False
