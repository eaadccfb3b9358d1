"""What the settings mean to the parts of the product that know no settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.archive import Limits
from streamapp.topics import Topics

if TYPE_CHECKING:
    from streamapp.settings import Settings


def topics(settings: Settings) -> Topics:
    """The topics of the installation."""
    return Topics(
        partitions=settings.partitions,
        retention_hours=settings.retention_hours,
        prefix=settings.kafka_prefix,
        attempts=settings.photo_attempts,
    )


def limits(settings: Settings) -> Limits:
    """What an archive is judged by."""
    return Limits(
        entries_max=settings.archive_entries_max,
        photo_compressed_bytes_max=settings.photo_compressed_bytes_max,
        photo_bytes_max=settings.photo_bytes_max,
        ratio_max=settings.entry_ratio_max,
        archive_ratio_max=settings.archive_ratio_max,
        name_bytes_max=settings.entry_name_bytes_max,
        nested=settings.nested_archives,
    )
