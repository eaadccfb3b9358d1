"""The reports of all workers of the group, gathered by the one that is asked.

Who they are is known from the assignment that Kafka gave to all. One that does not answer within
`ANSWER_S` is told as silent and holds nobody up; those who look at the same time, and shortly after
each other, share one gathering.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from aiohttp import ClientError, ClientTimeout
from msgspec import structs
from yarl import URL

from streamapp.stream.pages.report import Group, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiohttp import ClientSession

ANSWER_S = 1.5
GOOD_FOR_S = 1.0
REPORT_BYTES_MAX = 4 << 20
AT_ONCE_MAX = 64

REPORT_PATH = "/report.json"

_TIMEOUT = ClientTimeout(total=ANSWER_S)
_log = logging.getLogger(__name__)


class Gathering:
    """Asks, and keeps the answer for `GOOD_FOR_S`."""

    def __init__(
        self,
        own: Callable[[], Report],
        others: Callable[[], Iterable[str]],
        client: Callable[[], ClientSession],
        clock: Callable[[], float],
    ) -> None:
        """Ask nobody yet.

        Args:
            own: The report of this worker.
            others: Web addresses of the workers, this one's may be among them.
            client: What they are asked with.
            clock: Unix seconds.
        """
        self._own = own
        self._others = others
        self._client = client
        self._clock = clock
        self._asking: asyncio.Task[Group] | None = None
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)

    async def __call__(self) -> Group:
        """The group as it is, or was a second ago."""
        if self._asking is None or self._is_old(self._asking):
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    def _is_old(self, asking: asyncio.Task[Group]) -> bool:
        if not asking.done():
            return False
        failed = asking.cancelled() or asking.exception() is not None
        return failed or self._clock() - asking.result().at >= GOOD_FOR_S

    async def _ask(self) -> Group:
        own = self._own()
        urls = sorted({url.rstrip("/") for url in self._others()} - {own.url})
        try:
            async with asyncio.timeout(ANSWER_S + 0.5):
                answers = await asyncio.gather(*map(self._report_of, urls))
        except TimeoutError:  # there are more than can be asked in the time
            answers = [None] * len(urls)
        reports = [own, *(each for each in answers if each)]
        return Group(
            at=self._clock(),
            asked=f"{own.worker} ({own.url})",
            reports=tuple(sorted(told_apart(reports), key=lambda each: (each.worker, each.url))),
            silent=tuple(url for url, answer in zip(urls, answers, strict=True) if not answer),
        )

    async def _report_of(self, url: str) -> Report | None:
        try:
            async with (
                self._at_once,
                self._client().get(URL(url + REPORT_PATH), timeout=_TIMEOUT) as answer,
            ):
                body = await answer.content.read(REPORT_BYTES_MAX)
                while not answer.content.at_eof() and len(body) < REPORT_BYTES_MAX:
                    body += await answer.content.read(REPORT_BYTES_MAX)
                return msgspec.json.decode(body, type=Report) if answer.ok else None
        except (ClientError, TimeoutError, msgspec.MsgspecError) as error:
            _log.debug("%s does not say how it is: %r", url, error)
            return None


def told_apart(reports: Sequence[Report]) -> list[Report]:
    """The reports with each worker's address after its name where others have the same name.

    Replicas in containers do, as a rule.
    """
    names = Counter(each.worker for each in reports)
    return [
        structs.replace(each, worker=f"{each.worker} at {URL(each.url).authority}")
        if names[each.worker] > 1
        else each
        for each in reports
    ]
