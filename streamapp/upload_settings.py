"""The settings of taking photos in: what an archive may be, how a client sends, what is kept."""

from __future__ import annotations

from pydantic import BaseModel, Field

MIB = 1024 * 1024


class UploadSettings(BaseModel):
    """A part of `settings.Settings`; what is behind the words, see `archive.Limits` and others."""

    archive_bytes_max: int = Field(
        64 * 1024 * MIB, ge=MIB, description="Largest archive accepted, in bytes."
    )
    archive_entries_max: int = Field(
        1_000_000,
        ge=1,
        # The progress of a batch is one Kafka message with two bitmaps of its photos; Faust sends
        # up to 1,000,000 bytes. (And the keys of crops sort by their eight digits.)
        le=3_900_000,
        description="Most entries of an archive that is accepted.",
    )
    archive_ratio_max: int = Field(
        100, ge=1, le=10_000, description="Most bytes an archive inflates to, over its size."
    )
    nested_archives: bool = Field(
        default=False, description="Take the photos of archives within an archive, one level deep."
    )
    entry_name_bytes_max: int = Field(
        1024, ge=16, le=65_535, description="Longest name of an entry, in bytes of UTF-8."
    )
    entry_ratio_max: int = Field(
        250, ge=1, le=10_000, description="Most bytes a photo inflates to, over its size."
    )
    photo_bytes_max: int = Field(
        128 * MIB, ge=1024, description="Largest photo accepted, inflated, in bytes."
    )
    photo_compressed_bytes_max: int = Field(
        64 * MIB,
        ge=1024,
        description="Largest photo accepted, compressed, in bytes.",
    )

    images_max: int = Field(
        10_000, ge=1, le=100_000, description="Most photos of one request without an archive."
    )
    uploads_max: int = Field(
        8, ge=1, le=256, description="Uploads at once of an uploader; each holds about 50 MiB."
    )
    watchers_max: int = Field(
        1000, ge=1, le=100_000, description="Clients of an uploader that wait for news of batches."
    )
    upload_expires_hours: float = Field(
        23.0,  # MinIO itself drops unfinished objects after 24 hours.
        gt=0,
        le=168,
        description="Hours a resumable upload may take; a store may drop its parts earlier.",
    )
    client_idle_s: float = Field(
        60.0, ge=0.1, le=3600, description="Longest silence of a client that sends, in seconds."
    )
    client_bytes_per_s_min: int = Field(
        1024, ge=0, description="Least pace of a client, in bytes a second over a minute."
    )
    header_timeout_s: float = Field(
        30.0, ge=0.1, le=3600, description="Longest time for the headers of a request, in seconds."
    )

    project_archive_bytes_max: int = Field(
        0, ge=0, description="Most bytes of archives kept for a project; 0: no quota."
    )
    archive_retention_days: float = Field(
        0.0,
        ge=0,
        le=36_500,
        description="Days after which archives of ended batches go; 0: never.",
    )
    crop_retention_days: float = Field(
        0.0,
        ge=0,
        le=36_500,
        description="Days after which crops of ended batches go; 0: never.",
    )
    janitor_interval_s: float = Field(
        60.0, ge=0.1, le=86_400, description="Time between two rounds of the janitor, in seconds."
    )
