"""The janitor: brings to an end what crashes, clients and absent services left unfinished.

It works from the notes of uploads: one that is over its time was either taken in, and is then
published, or not, and then nothing of it remains. Every uploader has one and so may a command;
any number of them may work at once, since all that they do may be done twice. A service that is
away ends the round; the next one goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from itertools import groupby, islice
from typing import TYPE_CHECKING

import msgspec

from streamapp.errors import Fate, StreamappError
from streamapp.keys import INCOMING, note_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connectors.objects.interface import Stored, UploadStore
    from streamapp.upload.notes import Notes
    from streamapp.upload.retention import Retention
    from streamapp.upload.settling import Settling

FIRST_S = 2.0
"""From the start to the first round."""

_PAGE = 1000

_log = logging.getLogger(__name__)


class Janitor:
    """Goes round in the object store."""

    def __init__(
        self,
        *,
        objects: UploadStore,
        notes: Notes,
        settling: Settling,
        retention: Retention,
        clock: Callable[[], float],
    ) -> None:
        self._objects = objects
        self._notes = notes
        self._settling = settling
        self._retention = retention
        self._clock = clock

    async def run(self, interval_s: float) -> None:
        """Go round for ever, every ``interval_s`` seconds; raises nothing."""
        await asyncio.sleep(min(interval_s, FIRST_S))
        while True:
            try:
                done = await self.round()
            except StreamappError as error:
                _log.warning("the janitor's round ended early: %s", error)
            except Exception:  # noqa: BLE001 - whatever it is, the next round comes
                _log.exception("the janitor's round failed")
            else:
                if any(done.values()):
                    _log.info("the janitor: %s", dict(done))
            await asyncio.sleep(interval_s)

    async def round(self) -> Counter[str]:
        """One round: how many of what were brought to an end.

        Raises:
            StreamappError: A service is away; what was done is done.
        """
        done: Counter[str] = Counter()
        after = ""
        while page := await asyncio.to_thread(self._page, after):
            for upload, found in groupby(page, _upload_of):
                done[await self._tidied(upload, list(found))] += 1
            after = page[-1].key
        del done[""]
        done.update(await self._retention.advance())
        return done

    def _page(self, after: str) -> list[Stored]:
        return list(islice(self._objects.listing(INCOMING, after), _PAGE))

    async def _tidied(self, upload: str, found: Sequence[Stored]) -> str:
        """What was done about an upload, ``""`` for nothing."""
        try:
            return await self._tidy(upload, found)
        except (StreamappError, msgspec.MsgspecError) as error:
            if isinstance(error, StreamappError) and error.fate is Fate.WAIT:
                raise
            # It must not keep the janitor from all the others.
            _log.warning("upload %s stays as it is: %s", upload, error)
            return ""

    async def _tidy(self, upload: str, found: Sequence[Stored]) -> str:
        note = await self._notes.read(upload)
        if note is None:
            stray = [one.key for one in found if one.key != note_key(upload)]
            for key in stray:
                await asyncio.to_thread(self._objects.delete, key)
            return "strays removed" if stray else ""
        now = self._clock()
        due = note.batch and min(note.due_at, note.expires_at) <= now
        if due and await self._settling.complete(note):
            return "uploads published"
        if note.expires_at > now:
            return ""
        await self._settling.discard(note)
        return "uploads removed"


def _upload_of(found: Stored) -> str:
    return found.key.removeprefix(INCOMING).partition(".")[0]
