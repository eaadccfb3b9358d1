"""Every setting: read once from the environment, typed, bounded, then passed on as values.

The field's name in upper case is the environment variable. Secrets do not print.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from streamapp.errors import Code, StreamappError
from streamapp.upload_settings import UploadSettings
from streamapp.vision_settings import VisionSettings, faults

Port = Annotated[int, Field(ge=0, le=65_535)]


class Settings(UploadSettings, VisionSettings, BaseSettings):
    """All settings of the uploader, the workers and the commands, with their defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(
        Path("data"), description="Folder of everything that is kept on this machine."
    )

    kafka_bootstrap: str = Field(
        "127.0.0.1:9092", min_length=3, description="Kafka brokers, host:port, comma separated."
    )
    kafka_prefix: str = Field(
        "",
        pattern="^[A-Za-z0-9._-]{0,64}$",
        description="Put before every topic and group, to share a cluster.",
    )
    partitions: int = Field(
        12, ge=1, le=1024, description="Partitions of every topic: the most workers that share."
    )
    replication_factor: int = Field(1, ge=1, le=9, description="Copies of every partition.")
    retention_hours: int = Field(
        168, ge=1, description="How long events are kept for replay, in hours."
    )

    objects_url: str = Field(
        "",
        description="http(s)://host:port/bucket of MinIO, or file:///folder; default in DATA_DIR.",
    )
    objects_public_url: str = Field(
        "",
        pattern="^(https?://[^/?#]+(/[^?#]*)?)?$",
        description="Address of the bucket in the rows, where readers reach MinIO by another one.",
    )
    objects_access_key: str = Field("", description="Access key of the object store.")
    objects_secret_key: SecretStr = Field(
        SecretStr(""), description="Secret key of the object store."
    )
    records_url: SecretStr = Field(
        SecretStr(""),
        description="mysql://user:password@host:port/database or sqlite:///file; default SQLite.",
    )
    records_table: str = Field(
        "",
        description="A table of your own with a row for each photo, which is kept up as well.",
    )
    records_columns: str = Field(
        "",
        description=(
            "Columns of data_records that it has, comma separated, as theirs=ours where they are "
            "called otherwise; default photo_name (by which its rows are found), "
            "processing_status, face_detected, cropped_photo_url."
        ),
    )

    upload_host: str = Field("127.0.0.1", description="Address the uploader listens on.")
    upload_port: Port = Field(8000, description="Port the uploader listens on.")
    root_path: str = Field("", description="Path under which a proxy serves the uploader.")
    workers_url: str = Field(
        "http://127.0.0.1:6066",
        description="Workers' web addresses, comma separated; any one knows the group's progress.",
    )

    worker_name: str = Field(
        "0", pattern="^[A-Za-z0-9._-]+$", description="Tells workers that share DATA_DIR apart."
    )
    worker_host: str = Field(
        "127.0.0.1",
        description="Address by which other workers reach this one; auto: the host's name.",
    )
    worker_port: Port = Field(6066, description="Port of this worker's web views.")
    worker_bind: str = Field("", description="Address the web views bind; default WORKER_HOST.")
    worker_concurrency: int = Field(
        0, ge=0, le=256, description="Child processes of a worker; 0: the cores it may use."
    )
    pace_photos_per_partition: int = Field(
        64,
        ge=1,
        description=(
            "Photos per partition that a worker queues ahead of what is finished, for all batches "
            "of a lane together; up to twice that while batches join. Its backlog takes memory "
            "for them, a few kB each."
        ),
    )
    photo_attempts: int = Field(
        3,
        ge=1,
        le=6,
        description=(
            "Attempts at a photo whose failure may have been load; each after the first has a "
            "topic. Fewer count at once, also for the photos that wait."
        ),
    )
    retry_delay_s: float = Field(
        5.0,
        gt=0,
        le=3600,
        description="Seconds before the second attempt, about; four times that before each more.",
    )
    session_timeout_s: float = Field(
        6.0, ge=6, le=300, description="Seconds after which a silent worker is replaced."
    )
    stall_limit_s: float = Field(
        120.0,
        ge=10,
        le=3600,
        description=(
            "Seconds after which a worker that has work and does not advance ends itself; the time "
            "that photos and services may take is not counted."
        ),
    )

    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged."
    )


def read_settings(**overrides: Any) -> Settings:
    """The settings of this process.

    Args:
        overrides: Values that go before the environment's (embedded runs, command line options).

    Raises:
        StreamappError: ``SETTING_INVALID``, naming each variable and what is wrong with it.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise StreamappError(Code.SETTING_INVALID, faults(error)) from None


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with ``settings`` written over it, for a child process."""
    values = {
        name.upper(): (value.get_secret_value() if isinstance(value, SecretStr) else str(value))
        for name, value in settings
    }
    return os.environ | values
