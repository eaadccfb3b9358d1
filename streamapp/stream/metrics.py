"""What a worker counts and measures, in Prometheus' text format.

A registry of its own for each app: nothing is shared between workers, or kept when one ends.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from streamapp.events import FINAL_STATES
from streamapp.stream.faults import LastFailedPhotos
from streamapp.stream.rate import Rate
from streamapp.topics import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from faust.types import TP

    from streamapp.events import Outcome
    from streamapp.stream.circuit import Circuit, Circuits
    from streamapp.stream.consumer_thread import Lag
    from streamapp.topics import Lane
    from streamapp.vision.crew import Crew


class Metrics:
    """The counters; what is measured is read when somebody asks for `text`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rate = Rate(time.monotonic)
        self.failed_photos = LastFailedPhotos()
        self.photos = self._counter(
            "photos", "Photos whose final outcome this worker told.", "state", "lane"
        )
        self.retries = self._counter("retries", "Photos put off for another attempt.", "lane")
        self.dead_letters = self._counter("dead_letters", "Photos out of attempts.", "lane")
        self.webhooks = self._counter("webhooks", "Attempts to deliver a webhook.", "result")
        self.webhooks_due = 0
        self.measure(
            "webhooks_due",
            "Webhooks of all workers that wait to be delivered.",
            lambda: self.webhooks_due,
        )
        for result in ("delivered", "retried", "failed"):
            self.webhooks.labels(result)
        self.rebalances = self._counter("rebalances", "Times partitions were assigned.")
        for lane in LANES:  # told from the beginning on: 0 is an answer too
            self.retries.labels(lane)
            self.dead_letters.labels(lane)
            for state in FINAL_STATES:
                self.photos.labels(state, lane)
        ProcessCollector(registry=self.registry)

    def tell(self, lane: Lane, batch: str, outcomes: Collection[Outcome]) -> None:
        """Count outcomes of a batch that are told."""
        self.rate.add(len(outcomes))
        self.failed_photos.tell(batch, outcomes)
        for state, photos in Tally(outcome.state for outcome in outcomes).items():
            self.photos.labels(state, lane).inc(photos)

    def measure(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Have a gauge ask for its value."""
        Gauge(name, what, namespace="streamapp", registry=self.registry).set_function(value)

    def measure_circuits(self, circuits: Circuits) -> None:
        """Have the circuits in it."""
        is_open = Gauge(
            "streamapp_circuit_open",
            "1 while the work waits for the service.",
            ["service"],
            registry=self.registry,
        )
        for circuit in circuits:
            is_open.labels(circuit.service).set_function(partial(_is_open, circuit))

    def measure_children(self, crew: Callable[[], Crew]) -> None:
        """Have the child processes in it."""
        self.registry.register(_Children(crew))

    def measure_partitions(self, held: Callable[[], Iterable[TP]]) -> None:
        """Have in it how many partitions of each topic the worker has."""
        self.registry.register(_Partitions(held))

    def measure_lags(self, lags: Callable[[], Mapping[TP, Lag]]) -> None:
        """Have the lag of each assigned partition in it."""
        self.registry.register(_Lags(lags))

    def text(self) -> bytes:
        """All of it."""
        return generate_latest(self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(name, what, labels, namespace="streamapp", registry=self.registry)


def _is_open(circuit: Circuit) -> float:
    return float(circuit.is_open)


class _Children(Collector):
    def __init__(self, crew: Callable[[], Crew]) -> None:
        self._crew = crew

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        crew = self._crew()
        family = GaugeMetricFamily(
            "streamapp_children",
            "Child processes: those wanted, those alive, and those of them that have a job.",
            labels=["state"],
        )
        family.add_metric(["wanted"], crew.wanted)
        family.add_metric(["alive"], crew.alive)
        family.add_metric(["busy"], crew.busy)
        yield family
        yield CounterMetricFamily(
            "streamapp_children_replaced",
            "Children started in the place of one that died, was killed or was worn out.",
            value=crew.replaced,
        )


class _Partitions(Collector):
    def __init__(self, held: Callable[[], Iterable[TP]]) -> None:
        self._held = held

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "streamapp_partitions", "Partitions that the worker has of a topic.", labels=["topic"]
        )
        for topic, partitions in sorted(Tally(tp.topic for tp in self._held()).items()):
            family.add_metric([topic], partitions)
        yield family


class _Lags(Collector):
    def __init__(self, lags: Callable[[], Mapping[TP, Lag]]) -> None:
        self._lags = lags

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "streamapp_lag_events",
            "Events of the partition that are not acknowledged.",
            labels=["topic", "partition"],
        )
        for tp, lag in self._lags().items():
            family.add_metric([tp.topic, str(tp.partition)], lag.events)
        yield family
