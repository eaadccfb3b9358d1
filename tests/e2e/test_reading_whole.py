"""What the API tells of a real batch, from upload to crop, on Kafka, MinIO and MariaDB."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import cv2
import httpx
import numpy as np
import pytest
from arro3.io import read_parquet

from ops.sample.make import PORTRAIT
from streamapp.wiring.stores import object_store
from tests.e2e.installation import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.installation import Installation

FACES = 3
ODD = "Zoë/=1+1 <b>.jpg"


@pytest.fixture
def other_settings() -> dict[str, Any]:
    return {"faces": "all"}


@pytest.fixture
def contents() -> dict[str, bytes]:
    """A portrait by an odd name, a group, nobody, and no photo."""
    portrait: Any = cv2.imread(str(PORTRAIT))
    group = cv2.resize(cv2.hconcat([portrait] * FACES), (1200, 400))
    nobody = np.full((300, 300, 3), 128, np.uint8)
    pictures = {ODD: portrait, "group.jpg": group, "nobody.jpg": nobody}
    encoded = {name: bytes(cv2.imencode(".jpg", each)[1]) for name, each in pictures.items()}
    return encoded | {"notes.jpg": b"<html>no photo at all"}


def test_a_batch_is_read_from_the_list_to_the_crops_of_its_faces(
    installation: Installation, tmp_path: Path, contents: dict[str, bytes]
) -> None:
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in contents.items():
            opened.writestr(name, content)
    batch = installation.upload(archive, externalId="order 17")["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    rows = installation.rows(batch, FACES + 3)
    installation.wait_for_crops(
        batch,
        {f"crops/{batch}/{name}.jpg" for name in [f"{0:08d}", f"{1:08d}"]}
        | {f"crops/{batch}/{1:08d}-{face}.jpg" for face in range(1, FACES)},
    )

    with httpx.Client(base_url=installation.members.uploader.url, timeout=30) as client:
        listed = client.get("/api/batch", params={"externalId": "order 17"}).json()["batches"]
        assert [each["batchId"] for each in listed] == [batch]
        deadline = time.monotonic() + PATIENCE_S
        while (told := client.get(listed[0]["links"]["self"]).json()["batch"])["endedAt"] is None:
            assert time.monotonic() < deadline, told  # the row follows by a moment
            time.sleep(0.1)
        assert (told["status"], told["imageCount"]) == ("completed", len(contents))
        assert told["failedBy"] == {"photo_not_an_image": 1}
        assert told["createdAt"] <= told["startedAt"] <= told["endedAt"]

        photos = client.get(told["links"]["photos"]).json()["photos"]
        assert [photo["name"] for photo in photos] == list(contents)
        assert [len(photo["faces"]) for photo in photos] == [1, FACES, 0, 0]
        for photo, content in zip(photos, contents.values(), strict=True):
            assert client.get(photo["links"]["self"]).json()["photo"] == photo
            assert client.get(photo["links"]["original"]).content == content
        store = object_store(installation.settings)
        for face in photos[1]["faces"]:
            crop = client.get(face["links"]["crop"])
            name = f"{1:08d}-{face['face']}" if face["face"] else f"{1:08d}"
            assert crop.content == store.read(f"crops/{batch}/{name}.jpg", 0, 1 << 20)
            assert crop.headers["Content-Type"] == "image/jpeg"

        table = list(csv.DictReader(io.StringIO(client.get(told["links"]["csv"]).text)))
        lines = client.get(told["links"]["jsonl"]).text.splitlines()
        parquet = read_parquet(io.BytesIO(client.get(told["links"]["parquet"]).content))
        assert len(table) == len(lines) == parquet.read_all().num_rows == len(rows)
        assert [json.loads(line)["photo"] for line in lines] == [row.photo_name for row in rows]

        with zipfile.ZipFile(io.BytesIO(client.get(told["links"]["crops"]).content)) as crops:
            assert crops.testzip() is None
            assert sorted(crops.namelist()) == sorted(row["crop"] for row in table if row["crop"])
            portrait = client.get(photos[0]["links"]["crop"]).content
            assert crops.read("00000000__1_1 _b_.jpg") == portrait
