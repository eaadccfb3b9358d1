"""What the uploader and the janitor's command have in common, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamapp.upload.admission import Admission
from streamapp.upload.chain import Chain
from streamapp.upload.janitor import Janitor
from streamapp.upload.notes import Notes
from streamapp.upload.quota import Quota
from streamapp.upload.retention import Retention
from streamapp.upload.settling import Settling

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.objects.interface import UploadStore
    from streamapp.upload.interfaces import ProgressSource, Publisher
    from streamapp.upload.reception import UploadLimits
    from streamapp.upload.retention import Kept


class Assembly(NamedTuple):
    """The parts that know each other."""

    notes: Notes
    chain: Chain
    settling: Settling
    admission: Admission
    janitor: Janitor


def assemble(
    *,
    objects: UploadStore,
    publisher: Publisher,
    progress: ProgressSource,
    limits: UploadLimits,
    kept: Kept,
    clock: Callable[[], float],
) -> Assembly:
    """The parts over what they are given; nothing connects here."""
    notes, chain = Notes(objects), Chain(objects)
    settling = Settling(objects=objects, chain=chain, notes=notes, publisher=publisher)
    admission = Admission(
        objects=objects,
        chain=chain,
        notes=notes,
        settling=settling,
        publisher=publisher,
        progress=progress,
        quota=Quota(objects, limits.project_archive_bytes_max),
        limits=limits.archive,
        webhooks=limits.webhooks,
        clock=clock,
    )
    retention = Retention(objects=objects, progress=progress, kept=kept, clock=clock)
    janitor = Janitor(
        objects=objects, notes=notes, settling=settling, retention=retention, clock=clock
    )
    return Assembly(notes, chain, settling, admission, janitor)
