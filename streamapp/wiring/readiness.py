"""Whether the uploader could take an upload: the object store answers, Kafka has the topics.

Both are asked at the same time and within `LIMIT_S`; callers that ask at the same time share one
look. The answers are the catalogue's sentences: nothing in them tells of the installation.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from connectors.kafka import admin
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Mapping

    from connectors.objects.interface import ObjectStore
    from streamapp.topics import TopicSpec

LIMIT_S = 4.0
KAFKA_LIMIT_S = 3.0
STORE_READ_TIMEOUT_S = 1.5
"""For the store that is given: one that hangs then says so within the limit."""

_NO_OBJECT = "ready"

_log = logging.getLogger(__name__)


class UploaderReadiness:
    """The `upload.interfaces.Readiness` of an uploader."""

    def __init__(self, objects: ObjectStore, bootstrap: str, specs: Collection[TopicSpec]) -> None:
        self._objects = objects
        self._bootstrap = bootstrap
        self._specs = specs
        # One thread, so that a store that hangs holds no more than this one.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ready")
        self._prepared = False
        self._look: asyncio.Task[dict[str, str]] | None = None

    async def start(self) -> None:
        """Prepare the store; one that is away is logged, and prepared by a look once it is back."""
        await _answer(self._ask_store(), Code.STORE_AWAY)

    async def __call__(self) -> Mapping[str, str]:
        """``ok`` or a sentence for each service."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._ask_both())
        return await asyncio.shield(self._look)

    async def _ask_both(self) -> dict[str, str]:
        check = admin.check(self._bootstrap, self._specs, limit_s=KAFKA_LIMIT_S)
        objects, kafka = await asyncio.gather(
            _answer(self._ask_store(), Code.STORE_AWAY), _answer(check, Code.KAFKA_AWAY)
        )
        return {"objects": objects, "kafka": kafka}

    async def _ask_store(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._prepare_or_read)

    def _prepare_or_read(self) -> None:
        if not self._prepared:
            self._objects.prepare()
            self._prepared = True
            return
        try:
            self._objects.size(_NO_OBJECT)
        except StreamappError as error:
            if error.code is not Code.OBJECT_MISSING:
                raise


async def _answer(asked: Awaitable[None], silent: Code) -> str:
    """``ok``, the sentence of what was raised, or that of ``silent`` after the limit."""
    try:
        async with asyncio.timeout(LIMIT_S):
            await asked
    except TimeoutError:
        fault = StreamappError(silent, f"no answer in {LIMIT_S:g} s")
    except StreamappError as error:
        fault = error
    else:
        return "ok"
    _log.warning("Not ready: %s", fault)
    return fault.code.sentence
