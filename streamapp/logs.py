"""The log of a process: its own lines, and of the libraries' what needs attention.

Faust and Kafka's client tell at INFO of every part that starts, more than a hundred lines each
time. They are heard from WARNING on, and with ``LOG_LEVEL=DEBUG`` wholly. Two messages that come in
the ordinary course of things are held back, by their exact words, as long as they are just that.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

CLIENT = "aiokafka"
LIBRARIES = (CLIENT, "faust", "mode")
COORDINATION = "aiokafka.consumer.group_coordinator"

FAUST = logging.getLogger("faust.parts")
"""For what Faust says of its parts that are ours; it would do so under our modules' names."""

ORDINARY_S = 15.0
"""A new installation has its coordinator within two or three seconds, a loaded one in ten."""

NO_COORDINATOR_YET = "[Error 15] GroupCoordinatorNotAvailableError"
"""Asked for the first time for any group, Kafka makes its topic of offsets first."""

REBALANCES = "Heartbeat failed for group %s because it is rebalancing"
"""How each worker learns that another one came or went; `stream.journal` tells what came of it."""


def set_up(level: str) -> None:
    """Log to standard error from ``level`` on."""
    logging.basicConfig(level=level, format=FORMAT)
    if level == "DEBUG":
        return
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger(COORDINATION).addFilter(NoFalseAlarms(time.monotonic))


def quieten_the_client() -> None:
    """Hear Kafka's client no more, but with ``LOG_LEVEL=DEBUG``: this process ends.

    Its own connections, which it closes under requests that are out, it reports as errors.
    """
    client = logging.getLogger(CLIENT)
    if client.level:
        client.setLevel(logging.CRITICAL)


class NoFalseAlarms(logging.Filter):
    """Of the client's coordination: passes all but the two above.

    The first passes, too, when it still comes `ORDINARY_S` after its like: then no coordinator is
    to be had, for example since Kafka cannot make that topic, and nothing else would say so.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._since: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.msg == REBALANCES:
            return False
        if NO_COORDINATOR_YET not in record.getMessage():
            return True
        now = self._clock()
        if self._since is None:
            self._since = now
        return now - self._since >= ORDINARY_S
