"""A real Kafka for tests: one broker a session; each test makes topics of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from connectors.kafka.embedded import EmbeddedKafka

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its bootstrap address: ``STREAMAPP_TEST_KAFKA`` (host:port), or a broker of our own."""
    if given := os.environ.get("STREAMAPP_TEST_KAFKA"):
        yield given
        return
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker.bootstrap
