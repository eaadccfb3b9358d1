"""The whole API against its own document, on the real services: no 500, nothing undocumented."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as of_openapi

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis import strategies as st
    from schemathesis import Case

    from tests.e2e.installation import Installation

EXAMPLES = 8
CHECKS = (
    checks.not_a_server_error,
    of_openapi.status_code_conformance,
    of_openapi.content_type_conformance,
    of_openapi.response_schema_conformance,
)


@schemathesis.serializer("application/offset+octet-stream", "application/zip")
def as_it_is(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def test_no_answer_is_outside_of_the_document(installation: Installation, archive: Path) -> None:
    url = installation.members.uploader.url
    watched, steered = (installation.upload(archive)["batchId"] for _ in range(2))
    for batch in (watched, steered):
        installation.wait_for(batch, lambda status: "settled" in status)
    tried = set()
    for found in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        batch = watched if operation.method == "get" else steered
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # it takes nothing that could be wrong
                fuzz(operation.as_strategy(generation_mode=mode), batch)
                tried.add(operation.label)
    assert {"GET /docs", "POST /api/batch/upload-zip", "GET /live"} <= tried


def fuzz(cases: st.SearchStrategy[Case[Any]], batch: str) -> None:
    """Send cases, each about a batch also for one that is there."""

    @seed(20)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def check(case: Case[Any]) -> None:
        if str(case.query.get("wait", "")).isdecimal():
            case.query["wait"] = min(int(case.query["wait"]), 1)
        case.call_and_validate(checks=list(CHECKS), timeout=30)
        if "batch" in case.path_parameters:
            case.path_parameters["batch"] = batch
            case.call_and_validate(checks=list(CHECKS), timeout=30)

    check()
