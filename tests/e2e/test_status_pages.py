"""The status pages of a group: any worker answers for all, in HTML and in JSON, escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from streamapp.topics import LANES
from streamapp.wiring.values import topics
from tests.e2e import status_group
from tests.e2e.status_group import PAGES, PHOTOS, Parsed, html, told, told_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.installation import Installation


@pytest.fixture(scope="module")
def group(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with status_group.group(kafka, tmp_path_factory.mktemp("group")) as running:
        yield running


@pytest.fixture(scope="module")
def batch(group: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    return status_group.hostile_batch(group, tmp_path_factory.mktemp("photos"))


@pytest.fixture(params=[0, 1])
def url(group: Installation, request: pytest.FixtureRequest) -> str:
    """Each worker."""
    worker: int = request.param
    return group.members.workers[worker].url


def test_any_worker_tells_of_a_batch_whoever_owns_it(url: str, batch: str) -> None:
    content = told_once(url, "batches", lambda page: bool(page["recent"]))
    [ended] = [each for each in content["recent"] if each["batch"] == batch]
    assert (ended["status"], ended["photos"]) == ("completed", PHOTOS + 1)
    assert (ended["processed"], ended["failed"]) == (PHOTOS + 1, 1)
    assert ended["project"] == status_group.HOSTILE_PROJECT
    assert content["unanswered"] == []
    assert content["silent"] == []
    assert batch in Parsed(html(url, "batches").text).text


def test_each_partition_has_one_owner_and_is_answered_for(url: str, group: Installation) -> None:
    of = topics(group.settings)
    streams = [of.archives, *map(of.photos, LANES), of.batches]

    def shared(page: dict[str, list[dict[str, list[list[str]]]]]) -> bool:
        return all(len(owners) == 1 for topic in page["topics"] for owners in topic["owners"])

    content = told_once(url, "partitions", shared)
    assert [topic["topic"] for topic in content["topics"]] == streams
    owners = {owner for [owner] in content["topics"][0]["owners"]}
    assert owners == {"worker-1", "worker-2"}

    tables = told_once(
        url,
        "tables",
        lambda page: all(each["table"]["state"] == "answers" for each in page["partitions"]),
    )
    assert [each["table"]["partition"] for each in tables["partitions"]] == [0, 1, 2, 3]
    assert tables["missing"] == []


def test_lanes_have_nothing_left_after_the_batch(url: str, batch: str) -> None:
    assert batch
    told_once(
        url,
        "lanes",
        lambda page: not any(topic["events"] or topic["untold"] for topic in page["topics"]),
    )


def test_the_overview_tells_of_all_workers(url: str) -> None:
    content = told_once(url, "overview", lambda page: not page["notices"])
    assert [each["worker"] for each in content["workers"]] == ["worker-1", "worker-2"]
    assert all(each["ready"] and each["live"] for each in content["workers"])
    assert all(each["children"]["wanted"] == 1 for each in content["workers"])
    assert all(set(each["versions"]) >= {"streamapp", "faust"} for each in content["workers"])


def test_services_are_closed_circuits(url: str) -> None:
    workers = told(url, "services")["workers"]
    names = {"objects", "records", "kafka"}
    assert all({each["name"] for each in worker["services"]} == names for worker in workers)
    assert not any(each["isOpen"] for worker in workers for each in worker["services"])


def test_a_photo_that_failed_is_told_with_its_code(url: str, batch: str) -> None:
    [line] = told_once(url, "errors", lambda page: bool(page["photos"]))["photos"]
    assert line["photo"]["batch"] == batch
    assert line["photo"]["name"] == status_group.HOSTILE_PHOTO
    assert line["photo"]["code"] == "photo_not_an_image"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_hostile_names_as_text(url: str, page: str, batch: str) -> None:
    assert batch
    status_group.wait_until_whole(url)
    parsed = Parsed(html(url, page).text)
    assert not parsed.tags & {"script", "img", "svg", "iframe", "style"}
    assert not any(name.startswith("on") or name == "style" for name in parsed.attributes)
    if page == "batches":
        assert status_group.HOSTILE_PROJECT in parsed.text
        assert status_group.HOSTILE_ID in parsed.text
    if page == "errors":
        assert status_group.HOSTILE_PHOTO in parsed.text


@pytest.mark.parametrize("page", PAGES)
def test_a_page_lets_nothing_in_and_links_relatively(url: str, page: str) -> None:
    answer = html(url, page)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    for link in Parsed(answer.text).links:
        assert not urlsplit(link).netloc
        assert not link.startswith("/")
        target = httpx.URL(f"{url}{status_group.path(page)}").join(link)
        assert httpx.get(target, timeout=20).is_success, link


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("text/html, application/json;q=0.5", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
    ],
)
def test_a_page_is_json_for_who_accepts_that(url: str, accept: str, kind: str) -> None:
    answer = httpx.get(f"{url}/batches", headers={"Accept": accept}, timeout=20)
    assert answer.headers["content-type"] == kind
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("page", ["/router/", "/table/", "/table/progress/"])
def test_fausts_own_pages_are_not_served(url: str, page: str) -> None:
    assert httpx.get(url + page, timeout=20).status_code == httpx.codes.NOT_FOUND
