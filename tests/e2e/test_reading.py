"""Batches and photos as they are read, from a real uploader over a folder and SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connectors.records.sqlite import SqliteRecords
from streamapp.errors import Code, StreamappError
from streamapp.progress import Counts, RunStatus, Status
from tests.archives import zipped
from tests.batch_records import a_batch, an_ended_batch
from tests.e2e.reading_service import Reading, reading
from tests.photo_records import a_cancelled_row, a_failed_row, a_rejected_row, a_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.objects.folder import FolderStore

NOW = 1_700_000_000.0
"""The uploader's clock."""
AWAY = StreamappError(Code.PROGRESS_AWAY)
UNKNOWN = "0123456789abcdef0123456789abcdef"
NO_FACE: dict[str, Any] = {"face_detected": False, "face_crop_url": None, "cropped_photo_url": None}
ODD = "<script>alert('ü')</script>\x1b[31m\u202e; DROP TABLE batches; --.jpg"


@pytest.fixture
def service(store: FolderStore, tmp_path: Path) -> Iterator[Reading]:
    with reading(store, tmp_path / "records.sqlite") as service:
        yield service


@pytest.fixture
def batch(service: Reading) -> str:
    return service.upload(zipped({"a.jpg": b"\xff\xd8\xff"}), externalId="order 17", priority="3")


def name(number: int) -> str:
    return f"{number:032x}"


def a_status(batch: str, processed: int, **changes: Any) -> Status:
    values: dict[str, Any] = {"status": "processing", "priority": 5, "queued": 60} | changes
    return Status(
        batch_id=batch,
        image_count=100,
        progress=Counts(processed=processed, total=100, failed=3),
        progress_percent=processed,
        **values,
    )


def the(service: Reading, batch: str) -> dict[str, Any]:
    answer = service.get(batch)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert content["success"] is True
    told: dict[str, Any] = content["batch"]
    return told


def ids(answer: dict[str, Any]) -> list[str]:
    return [each["batchId"] for each in answer["batches"]]


def test_batches_are_listed_newest_first_page_by_page(service: Reading) -> None:
    for number in range(7):
        service.write_batch(a_batch(name(number), created_at=NOW + number))
    seen, before = [], ""
    while True:
        answer = service.get(f"?limit=3{before}").json()
        seen.append(ids(answer))
        if answer["next"] is None:
            break
        before = f"&before={answer['next']}"
    numbers = [[6, 5, 4], [3, 2, 1], [0]]
    assert seen == [[name(number) for number in page] for page in numbers]
    assert service.get("").json()["next"] is None


def test_batches_are_found_by_status_project_and_external_id(service: Reading) -> None:
    service.write_batch(a_batch(name(1), project_id="cats & dogs"))
    service.write_batch(an_ended_batch(name(2), project_id="cats & dogs", external_id="x"))
    service.write_batch(an_ended_batch(name(3), project_id="others", external_id="x"))

    def found(**query: str) -> list[str]:
        answer = service.client.get("/api/batch", params=query)
        assert answer.status_code == 200, answer.text
        return sorted(ids(answer.json()))

    assert found(status="completed") == [name(2), name(3)]
    assert found(projectId="cats & dogs") == [name(1), name(2)]
    assert found(externalId="x", projectId="others") == [name(3)]
    assert found(status="", projectId="", externalId="") == [name(1), name(2), name(3)]
    assert found(projectId="' OR '1'='1") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?limit=0", "limit"),
        ("?limit=501", "limit"),
        ("?limit=1e3", "limit"),
        ("?limit=99999999999999999999999", "limit"),
        ("?limit=²", "limit"),
        ("?status=done", "status"),
        ("?before=x", "before"),
        ("?projectId=%00", "projectId"),
        ("?limit=1&limit=2", "twice"),
        (f"/{UNKNOWN}/photos?state=lost", "state"),
        (f"/{UNKNOWN}/photos?limit=1001", "limit"),
        (f"/{UNKNOWN}/photos?after=-2", "after"),
        (f"/{UNKNOWN}/photos?after=<b>", "after"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name_and_not_repeated(
    service: Reading, query: str, named: str
) -> None:
    answer = service.client.get(f"/api/batch{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "field_invalid")
    assert named in answer.json()["detail"]
    assert "<b>" not in answer.text


def test_what_is_unknown_is_404_with_a_code(service: Reading, batch: str) -> None:
    for path in (UNKNOWN, f"{UNKNOWN}/photos", f"{UNKNOWN}/photos/0", "<b>", "upload-zip"):
        assert service.refusal(path) == (404, "batch_unknown")
    for index in ("7", "x", "9" * 30):
        assert service.refusal(f"{batch}/photos/{index}") == (404, "photo_unknown")


def test_a_batch_that_nobody_opened_yet_is_told_by_its_manifest(
    service: Reading, batch: str
) -> None:
    told = the(service, batch)
    assert (told["status"], told["imageCount"], told["createdAt"]) == ("queued", 1, NOW)
    assert (told["projectId"], told["externalId"], told["priority"]) == ("tests", "order 17", 3)
    assert told["startedAt"] is told["ratePerSecond"] is told["etaSeconds"] is None
    assert service.get(f"{batch}/photos").json() == {"success": True, "photos": [], "next": None}


def test_a_batch_is_told_by_its_owner_with_rate_and_time_left(service: Reading, batch: str) -> None:
    service.write_batch(a_batch(batch, processed=30, started_at=NOW - 10))
    service.write(batch, [a_failed_row(0), a_failed_row(1), a_failed_row(2, error_code="x")])
    service.around.known[batch] = a_status(batch, 40, skipped=2, skipped_by={"folder": 2})
    told = the(service, batch)
    assert told["progress"] == {"processed": 40, "total": 100, "failed": 3}
    assert (told["ratePerSecond"], told["etaSeconds"]) == (4.0, 15)
    assert (told["source"], told["asOf"], told["queued"]) == ("table", NOW, 60)
    assert told["failedBy"] == {"photo_broken": 2, "x": 1}
    assert (told["skipped"], told["skippedBy"]) == (2, {"folder": 2})


def test_of_a_batch_that_is_done_again_the_rate_is_the_last_run_s(
    service: Reading, batch: str
) -> None:
    service.write_batch(a_batch(batch, run=2, processed=100, started_at=NOW - 10))
    runs = (
        RunStatus(run=1, status="completed", photos=50, processed=50, failed=0),
        RunStatus(run=2, status="processing", photos=50, processed=20, failed=0),
    )
    service.around.known[batch] = a_status(batch, 100, run=2, runs=runs)
    told = the(service, batch)
    assert (told["ratePerSecond"], told["etaSeconds"]) == (2.0, 15)


def test_while_its_owner_is_replaced_the_database_answers_and_says_of_when(
    service: Reading, batch: str
) -> None:
    service.write_batch(a_batch(batch, processed=40))
    service.around.progress_fault = AWAY
    told = the(service, batch)
    assert told["progress"] == {"processed": 40, "total": 100, "failed": 3}
    assert told["source"] == "records"
    assert told["asOf"] > NOW  # by the database's clock, which is the machine's
    assert told["queued"] is None


def test_a_batch_never_goes_back_whoever_answers(service: Reading, batch: str) -> None:
    service.write_batch(a_batch(batch, processed=40))
    service.around.known[batch] = a_status(batch, 60)
    assert the(service, batch)["progress"]["processed"] == 60
    service.around.progress_fault = AWAY
    told = the(service, batch)
    assert (told["progress"]["processed"], told["source"], told["asOf"]) == (60, "table", NOW)
    service.write_batch(a_batch(batch, processed=70))
    assert the(service, batch)["progress"]["processed"] == 70
    service.write_batch(an_ended_batch(batch))
    ended = the(service, batch)
    assert (ended["status"], ended["endedAt"]) == ("completed", 1_700_000_009.25)
    assert (ended["ratePerSecond"], ended["etaSeconds"]) == (round(100 / 7.75, 3), None)


def test_without_an_owner_and_without_a_row_nobody_can_say(service: Reading, batch: str) -> None:
    service.around.progress_fault = AWAY
    answer = service.get(batch)
    assert (answer.status_code, answer.json()["code"]) == (503, "progress_away")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_batch_whose_archive_is_gone_is_told_by_its_row(service: Reading) -> None:
    service.write_batch(an_ended_batch(UNKNOWN))
    told = the(service, UNKNOWN)
    assert (told["status"], told["source"]) == ("completed", "records")


@pytest.fixture
def photos(service: Reading, batch: str) -> str:
    """Three faces, one of them blurred; none; an odd name; a failure; cancelled."""
    service.write(
        batch,
        [
            a_row(0),
            a_rejected_row(0, 1),
            a_row(0, 2),
            a_row(1, **NO_FACE),
            a_row(2, photo_name=ODD),
            a_failed_row(3),
            a_cancelled_row(4),
        ],
    )
    return batch


def test_photos_are_listed_by_state_and_by_pages(service: Reading, photos: str) -> None:
    def found(query: str = "") -> tuple[list[int], int | None]:
        answer = service.get(f"{photos}/photos{query}").json()
        return [each["index"] for each in answer["photos"]], answer["next"]

    assert found() == ([0, 1, 2, 3, 4], None)
    assert found("?limit=2") == ([0, 1], 1)
    assert found("?limit=2&after=1") == ([2, 3], 3)
    assert found("?limit=2&after=3") == ([4], None)
    assert found("?state=completed") == ([0, 1, 2], None)
    assert found("?state=completed&limit=1&after=0") == ([1], 1)
    assert found("?state=no-face") == ([1], None)
    assert found("?state=failed") == ([3], None)
    assert found("?state=cancelled") == ([4], None)
    assert found("?state=queued") == ([], None)


def test_a_photo_has_all_its_faces_and_links_that_lead_somewhere(
    service: Reading, photos: str
) -> None:
    photo = service.get(f"{photos}/photos/0").json()["photo"]
    assert photo == service.get(f"{photos}/photos?limit=1").json()["photos"][0]
    assert [face["face"] for face in photo["faces"]] == [0, 1, 2]
    assert [face["rejected"] for face in photo["faces"]] == [None, "blurred", None]
    assert (photo["faces"][0]["x"], photo["faces"][0]["width"]) == (-3, 300)
    assert photo["faces"][1]["links"] == {}
    for link in [*photo["links"].values(), photo["faces"][2]["links"]["crop"]]:
        assert service.client.get(link).status_code == 200
    failed = service.get(f"{photos}/photos/3").json()["photo"]
    assert (failed["status"], failed["errorCode"]) == ("failed", "photo_broken")
    assert failed["errorDetail"] == "truncated after 17 bytes"
    assert (failed["faces"], set(failed["links"])) == ([], {"self", "original"})


def test_an_odd_name_is_told_as_it_is_and_by_nothing_that_runs(
    service: Reading, photos: str
) -> None:
    answer = service.get(f"{photos}/photos/2")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["photo"]["name"] == ODD
    assert ids(service.get("").json()) == []
    crop = service.get(f"{photos}/photos/2/crop")
    assert "<" not in crop.headers["Content-Disposition"]


def test_behind_a_proxy_links_have_its_path(store: FolderStore, tmp_path: Path) -> None:
    with reading(store, tmp_path / "records.sqlite", root_path="/faces") as service:
        batch = service.upload(zipped({"a.jpg": b"\xff\xd8\xff"}))
        service.write_batch(a_batch(batch))
        service.write(batch, [a_row(0)])
        links = the(service, batch)["links"]
        assert links["self"] == f"/faces/api/batch/{batch}"
        listed = service.get("").json()["batches"][0]["links"]
        assert listed == links
        photo = service.get(f"{batch}/photos/0").json()["photo"]
        for link in [*links.values(), *photo["links"].values()]:
            assert service.client.get(link.removeprefix("/faces")).status_code == 200, link


def test_without_the_database_these_calls_say_so_and_the_status_goes_on(
    store: FolderStore, tmp_path: Path
) -> None:
    away = SqliteRecords(tmp_path / "missing" / "records.sqlite")
    with reading(store, tmp_path / "unused", records=away) as service:
        batch = service.upload(zipped({"a.jpg": b"\xff\xd8\xff"}))
        for path in ("", batch, f"{batch}/photos", f"{batch}/photos/0"):
            assert service.refusal(path) == (503, "records_away")
        assert service.get(f"status/{batch}").status_code == 200
        assert service.client.get("/ready").status_code == 200
