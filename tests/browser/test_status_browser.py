"""The status pages in Debian's Chromium: on a phone, in the dark, behind a path of a proxy."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.e2e import status_group
from tests.e2e.status_group import PAGES, told_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from playwright.sync_api import Browser, Page

    from tests.e2e.installation import Installation

BEHIND = "/inside/worker"
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def group(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A group that has done a batch with hostile names."""
    folder = tmp_path_factory.mktemp("group")
    with status_group.group(kafka, folder) as running:
        status_group.hostile_batch(running, folder)
        told_once(running.members.workers[0].url, "errors", lambda page: bool(page["photos"]))
        yield running


@contextmanager
def proxied(url: str) -> Iterator[str]:
    """The address of a proxy that puts a path before the worker's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(f"{BEHIND}/"):
                self.send_error(404)
                return
            answer = httpx.get(url + self.path.removeprefix(BEHIND), headers=dict(self.headers))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_told: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{BEHIND}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def browser(group: Installation) -> Iterator[Browser]:
    """After the group: while it is there, its event loop runs, and there can be no other."""
    assert group.members
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, scheme: Literal["light", "dark"]) -> Iterator[tuple[Page, list[str]]]:
    """A page on a phone, and what goes wrong in it: errors of the console, and dialogs."""
    context = browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]}, color_scheme=scheme
    )
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def dismiss_dialog(dialog: object) -> None:
        wrong.append(f"dialog {dialog}")

    page.on("dialog", dismiss_dialog)
    try:
        yield page, wrong
    finally:
        context.close()


def test_every_page_opens_behind_a_proxy_and_nothing_in_it_runs(
    browser: Browser, group: Installation
) -> None:
    status_group.wait_until_whole(group.members.workers[0].url)
    with proxied(group.members.workers[0].url) as url, opened(browser, "light") as (page, wrong):
        page.goto(url)
        seen = []
        for name in PAGES:
            page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
            page.wait_for_url(url if name == "overview" else url + name)
            assert page.get_by_role("heading", level=1).inner_text() == name.capitalize()
            assert (
                page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "flex"
            )
            seen.append(page.inner_text("main"))
        assert not wrong
    text = "\n".join(seen)
    for hostile in (
        status_group.HOSTILE_PROJECT,
        status_group.HOSTILE_ID,
        status_group.HOSTILE_PHOTO,
    ):
        assert hostile in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_no_wider_than_a_phone(browser: Browser, group: Installation, name: str) -> None:
    with opened(browser, "light") as (page, wrong):
        page.goto(group.members.workers[1].url + status_group.path(name))
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert not wrong


def test_in_the_dark_a_page_is_light_on_dark(browser: Browser, group: Installation) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with opened(browser, scheme) as (page, _):
            page.goto(group.members.workers[0].url)
            colours.append(page.evaluate("getComputedStyle(document.body).color"))
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
