"""The address of all crops of a batch in one ZIP, with ranges of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from streamapp.upload import reading_words as words
from streamapp.upload.operations import described
from streamapp.upload.streams import (
    INERT,
    Streamed,
    begun,
    disposition,
    is_known,
    not_modified,
    span,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from streamapp.upload.crops_zip import CropsZip, Plan
    from streamapp.upload.rows import Rows
    from streamapp.upload.streams import Gate


def crop_archive_routes(rows: Rows, archives: CropsZip, gate: Gate) -> list[Route]:
    """All crops."""

    @described(GET=words.CROPS)
    async def crops(request: Request) -> Response:
        batch = request.path_params["batch"]
        records = await rows.of(batch)
        gate.enter()
        try:
            plan = await archives.plan(batch, records.rows(batch))
        except BaseException:
            gate.leave()
            raise

        def end() -> None:
            plan.file.close()
            gate.leave()

        try:
            answer = await _answer(request, archives, plan)
        except BaseException:
            end()
            raise
        if isinstance(answer, Streamed):
            answer.on_end = end
        else:
            end()
        return answer

    return [Route("/api/batch/{batch}/crops.zip", crops)]


async def _answer(request: Request, archives: CropsZip, plan: Plan) -> Response:
    if is_known(request.headers, plan.etag):
        return not_modified(plan.etag)
    asked = span(request.headers, plan.etag, plan.length)
    pieces = archives.pieces(plan, asked)
    if request.method != "HEAD":
        pieces = await begun(pieces)
    name = disposition("attachment", f"{request.path_params['batch']}-crops.zip")
    return Streamed(
        pieces,
        media_type="application/zip",
        headers=INERT | asked.headers | {"ETag": plan.etag, "Content-Disposition": name},
        status=206 if asked.partial else 200,
    )
