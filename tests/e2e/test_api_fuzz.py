"""The whole API against its own document, on the real services: no 500, nothing undocumented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as of_openapi

if TYPE_CHECKING:
    from pathlib import Path

    from schemathesis import Case

    from tests.e2e.installation import Installation

EXAMPLES = 12
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
    batch = installation.upload(archive)["batchId"]
    installation.wait_for(batch, lambda status: "settled" in status)
    api = schemathesis.openapi.from_url(f"{url}/openapi.json")
    for found in api.get_all_operations():
        operation = found.ok()

        @seed(20)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: Case) -> None:
            if case.query.get("wait"):
                case.query["wait"] = min(case.query["wait"], 1)
            case.call_and_validate(checks=list(CHECKS), timeout=30)
            if "batch" in case.path_parameters:
                case.path_parameters["batch"] = batch
                case.call_and_validate(checks=list(CHECKS), timeout=30)

        check()
