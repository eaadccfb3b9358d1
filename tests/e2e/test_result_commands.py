"""``streamapp results`` and ``retry``: what a batch has come to is taken home, and mended."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.archives import zipped
from tests.e2e.installation import BROKEN, PHOTOS
from tests.e2e.reading_service import Reading, reading
from tests.e2e.test_cli import streamapp
from tests.photo_records import a_failed_row, a_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore
    from tests.e2e.installation import Installation

UNKNOWN = "0" * 32


@pytest.fixture
def service(store: FolderStore, tmp_path: Path) -> Iterator[Reading]:
    with reading(store, tmp_path / "records.sqlite") as service:
        yield service


@pytest.fixture
def batch(service: Reading) -> str:
    batch = service.upload(zipped({"a.jpg": b"\xff\xd8\xff", "b.jpg": b"no"}))
    service.write(batch, [a_row(0), a_failed_row(1)])
    return batch


def at(service: Reading) -> str:
    return str(service.client.base_url).rstrip("/")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_results_are_what_the_uploader_gives_in_a_file_of_that_form(
    service: Reading, batch: str, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"faces.{form}"
    file.write_bytes(b"an earlier one")
    assert streamapp("results", batch, "--out", file, "--url", at(service)) == (0, "", "")
    assert file.read_bytes() == service.get(f"{batch}/results.{form}").content
    assert len(file.read_bytes()) > 100
    assert [each.name for each in tmp_path.glob(".*part")] == []


def test_results_go_to_standard_output_unless_a_file_is_named(service: Reading, batch: str) -> None:
    code, said, err = streamapp("results", batch, "--url", at(service))
    assert (code, err) == (0, "")
    assert [row["photo_index"] for row in csv.DictReader(io.StringIO(said))] == ["0", "1"]
    code, said, _ = streamapp("results", batch, "--format", "jsonl", "--url", at(service))
    assert [json.loads(line)["photo_index"] for line in said.splitlines()] == [0, 1]


def test_whoever_has_read_enough_of_the_results_is_not_told_of_an_error(
    service: Reading, batch: str
) -> None:
    service.write(batch, [a_row(index, photo_name="x" * 200) for index in range(5000)])
    command = f"{sys.executable} -m streamapp results {batch} --url {at(service)} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("photo_index,")
    assert done.stderr == ""


def test_of_results_that_cannot_be_had_or_written_nothing_is_left(
    service: Reading, batch: str, tmp_path: Path
) -> None:
    file = tmp_path / "faces.csv"
    file.write_text("an earlier one")
    code, _, err = streamapp("results", UNKNOWN, "--out", file, "--url", at(service))
    assert code == 1
    assert err.startswith("streamapp: batch_unknown: ")
    code, _, err = streamapp("results", batch, "--out", tmp_path / "no/a.csv", "--url", at(service))
    assert code == 1
    assert err.startswith("streamapp: folder_unusable: ")
    assert file.read_text() == "an earlier one"
    assert [each.name for each in tmp_path.glob(".*part")] == []


async def _cut(batch: str, out: Path) -> tuple[int, str]:
    """The results from a server that breaks off in the middle."""

    async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10_000)
        writer.write(b"HTTP/1.1 200 .\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nphoto\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(breaks_off, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        code, _, err = await asyncio.to_thread(
            streamapp, "results", batch, "--out", out, "--url", url
        )
        return code, err


def test_results_that_break_off_are_no_file(tmp_path: Path) -> None:
    code, err = asyncio.run(_cut(UNKNOWN, tmp_path / "faces.csv"))
    assert code == 1
    assert err.startswith("streamapp: uploader_away: ")
    assert list(tmp_path.iterdir()) == []


def test_a_whole_batch_is_taken_home_and_what_failed_of_it_done_again(
    installation: Installation, archive: Path, tmp_path: Path
) -> None:
    batch = installation.upload(archive)["batchId"]
    url = installation.members.uploader.url
    installation.wait_for(batch, lambda status: status.get("settled", False))
    installation.rows(batch, PHOTOS + len(BROKEN))
    file = tmp_path / "out.csv"
    assert streamapp("results", batch, "--out", file, "--url", url)[0] == 0
    with file.open(newline="") as opened:
        states = [row["status"] for row in csv.DictReader(opened)]
    assert (len(states), states.count("failed")) == (PHOTOS + 3, 3)

    code, said, err = streamapp("retry", batch, "--url", url)
    assert (code, said, err) == (0, f"batch {batch}: run 2 does 3 photos again\n", "")
    installation.wait_for(
        batch, lambda status: status.get("run") == 2 and status["status"] == "completed"
    )
    code, said, _ = streamapp("status", batch, "--url", url)
    assert "run 2 is completed: 3 of 3 photos done, 3 of them failed" in said
    code, _, err = streamapp("retry", UNKNOWN, "--url", url)
    assert code == 1
    assert err.startswith("streamapp: batch_unknown: ")
