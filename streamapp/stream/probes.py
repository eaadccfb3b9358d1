"""What is asked of a worker by those who run it: ``/live``, ``/ready`` and ``/metrics``.

``/live`` is no once the watchdog has found that the worker stands; it ends by itself then.
``/ready`` is no while a service is away or the worker cannot answer for its partitions, and says
why in the catalogue's sentences: nothing in them tells of the installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from faust import App
    from faust.web import Request, Response, View

    from streamapp.stream.circuit import Circuits
    from streamapp.stream.metrics import Metrics
    from streamapp.stream.ownership import Ownership
    from streamapp.stream.watchdog import Watchdog

IDLE = "more workers than partitions"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the worker lives and is ready, and why it is not."""

    ownership: Ownership
    circuits: Circuits
    watchdog: Watchdog

    @property
    def is_live(self) -> bool:
        """Whether it advances."""
        return not self.watchdog.verdict

    @property
    def is_ready(self) -> bool:
        """Whether nothing keeps it from its work."""
        return not self.why

    @property
    def why(self) -> list[str]:
        """What keeps it, in sentences."""
        why = [each.reason for each in self.circuits if each.reason]
        if not self.ownership.ready:
            why.append(self._joining())
        if not self.is_live:
            why.append("The worker does not advance, and ends.")
        return why

    def _joining(self) -> str:
        if behind := len(self.ownership.behind):
            return f"The worker folds the batch log again, for {behind} of its partitions."
        return "The worker is joining its group, or recovering its tables."


def register(app: App, *, health: Health, metrics: Metrics) -> None:
    """Attach the views to the app's web server."""

    @app.page("/live")
    async def live(view: View, _request: Request) -> Response:
        return _answer(view, {"live": health.is_live}, yes=health.is_live)

    @app.page("/ready")
    async def ready(view: View, _request: Request) -> Response:
        services = {each.service: each.reason or "ok" for each in health.circuits}
        answer: dict[str, object] = {
            "ready": health.is_ready,
            "services": services,
            "why": health.why,
        }
        if health.ownership.idle:
            answer["idle"] = IDLE
        return _answer(view, answer, yes=health.is_ready)

    @app.page("/metrics")
    async def numbers(view: View, _request: Request) -> Response:
        return view.bytes(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answer(view: View, content: dict[str, object], *, yes: bool) -> Response:
    return view.json(content, status=HTTPStatus.OK if yes else HTTPStatus.SERVICE_UNAVAILABLE)
