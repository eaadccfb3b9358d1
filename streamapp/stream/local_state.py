"""The table's local copy: it follows the changelog, and is thrown away when it is damaged.

A row comes into it when Kafka has the row in the changelog, so it is never ahead of it.

A RocksDB of a partition is read through when it is opened. One that cannot be opened or read (a
torn file of a machine that lost power, a full disk, a folder somebody tidied) is deleted with a
line in the log, and the partition recovers from the changelog's beginning. Else the worker would
meet it again after each restart. One that another process holds open is left alone: Faust waits
for it.
"""

from __future__ import annotations

import logging
import shutil
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import faust
from faust.stores import rocksdb
from faust.types.tuples import Message

from streamapp.logs import FAUST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from faust.types import EventT, RecordMetadata, StoreT

_HELD = ("While lock file:", "lock hold by current process")
"""How RocksDB says that somebody has the folder open; a lock's file that is left over does not."""

_log = logging.getLogger(__name__)


class LocalTable(faust.Table[Any, Any]):
    """A Faust table whose damaged partitions on disk are made anew."""

    logger = FAUST

    def follow(self, rows: Iterable[tuple[bytes, bytes, RecordMetadata]]) -> None:
        """Take over rows that the changelog has, as a recovery does: key, value and place."""
        self.apply_changelog_batch([self._change(*row) for row in rows])

    def newest(self, limit: int) -> Iterator[bytes]:
        """The last keys of each partition on this disk, ``limit`` of each at most."""
        for opened in self._opened().values():
            keys = (key for key in opened.keys(backwards=True) if key != rocksdb.Store.offset_key)
            yield from islice(keys, limit)

    def rows_about(self, partition: int) -> int:
        """How many rows a partition has, as RocksDB estimates it; 0 when it is not on this disk."""
        opened = self._opened().get(partition)
        return int(opened.property_int_value("rocksdb.estimate-num-keys") or 0) if opened else 0

    def _opened(self) -> dict[int, Any]:
        store = self.data
        return dict(store._dbs) if isinstance(store, rocksdb.Store) else {}  # noqa: SLF001 - no listing

    def _change(self, key: bytes, value: bytes, place: RecordMetadata) -> EventT[bytes]:
        at = (place.topic, place.partition, place.offset)
        message = Message(*at, time.time(), 0, None, key, value, None, tp=place.topic_partition)
        return self.app.create_event(key, value, {}, message)

    def _new_store(self) -> StoreT[Any, Any]:
        store = super()._new_store()
        if isinstance(store, rocksdb.Store):
            store.rocksdb_options = _SoundFolders(**self.options or {})
        return store


class _SoundFolders(rocksdb.RocksDBOptions):
    """Opens folders that are sound, and makes those anew that are not."""

    def open(self, path: Path, *, read_only: bool = False) -> Any:
        try:
            opened = super().open(path, read_only=read_only)
        except Exception as error:
            if any(held in str(error) for held in _HELD):
                raise
            damage = str(error)
        else:
            damage = _damage(opened)
            if not damage:
                return opened
            opened.close()
        _log.warning("%s is damaged and recovers from the changelog: %s", path, damage)
        _remove(path)
        return super().open(path, read_only=read_only)


def _damage(opened: Any) -> str:
    """What keeps the rows from being read; nothing when all are."""
    rows = opened.iter()
    rows.seek_to_first()
    while rows.valid():
        rows.next()
    try:
        rows.status()  # a damaged block just ends the rows, for whoever does not ask
    except Exception as error:  # noqa: BLE001 - the only class that RocksDB's errors have
        return str(error)
    return ""


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
