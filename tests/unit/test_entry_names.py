"""The names of photos that were sent as files."""

from __future__ import annotations

import time

import pytest

from streamapp.archive.names import path_fault
from streamapp.upload.entry_names import EntryNames


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("1.jpg", "1.jpg"),
        ("Zürich 12:30.jpg", "Zürich 12:30.jpg"),
        ("may/1.jpg", "may/1.jpg"),
        ("may\\1.jpg", "may/1.jpg"),
        ("/etc/1.jpg", "1.jpg"),
        ("../../1.jpg", "1.jpg"),
        ("C:\\may\\1.jpg", "1.jpg"),
        ("a\0b\r\n.jpg", "ab.jpg"),
        ("x" * 2000 + ".jpg", "x" * 196 + ".jpg"),
        ("ä" * 500 + "/1.jpg", "1.jpg"),
        ("", "photo-1"),
        ("may/", "photo-1"),
        ("..", "photo-1"),
        ("C:1.jpg", "photo-1"),
        ("\n", "photo-1"),
    ],
)
def test_a_name_is_kept_as_far_as_it_is_harmless(sent: str, name: str) -> None:
    assert EntryNames().next(sent) == name


def test_a_name_that_came_before_gets_a_number() -> None:
    names = EntryNames()
    sent = ["a.jpg", "a (2).jpg", "a.jpg", "a.jpg", "a (2).jpg", "b", "b", "", "photo-8", ""]
    assert [names.next(name) for name in sent] == [
        "a.jpg",
        "a (2).jpg",
        "a (3).jpg",
        "a (4).jpg",
        "a (2) (2).jpg",
        "b",
        "b (2)",
        "photo-8",
        "photo-8 (2)",
        "photo-10",
    ]


def test_names_are_distinct_and_sound_also_at_their_longest() -> None:
    names = EntryNames()
    given = [names.next("\U0001f600" * 300) for _ in range(10_000)]
    assert len(set(given)) == len(given)
    assert not any(path_fault(name, 1024) for name in given)


def test_ten_thousand_files_of_one_name_take_no_time() -> None:
    names, began = EntryNames(), time.process_time()
    for _ in range(10_000):
        names.next("image.jpg")
    assert time.process_time() - began < 2
