"""The real services, one fixture file each."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures_kafka",
    "tests.fixtures_mariadb",
    "tests.fixtures_minio",
]
