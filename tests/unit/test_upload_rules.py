from __future__ import annotations

import uuid

import pytest

from streamapp.errors import Code, StreamappError
from streamapp.upload import fields
from streamapp.upload.batch_ids import ENTROPY_BYTES, batch_id, is_batch_id
from streamapp.upload.problems import problem


@pytest.mark.parametrize("text", ["p", "x" * 128, " Fotos 2026/süß "])
def test_a_project_has_1_to_128_printable_characters(text: str) -> None:
    assert fields.project(text) == text.strip()


@pytest.mark.parametrize("text", ["", "  ", "x" * 129, "a\nb", "a\x00", "a\u202eb"])
def test_other_projects_are_invalid(text: str) -> None:
    with pytest.raises(StreamappError) as refusal:
        fields.project(text)
    assert refusal.value.code is Code.FIELD_INVALID


@pytest.mark.parametrize(("text", "value"), [("1", 1), (" 10 ", 10), ("05", 5)])
def test_a_priority_is_a_whole_number_from_1_to_10(text: str, value: int) -> None:
    assert fields.priority(text) == value


@pytest.mark.parametrize("text", ["", "0", "11", "-1", "1.5", "high", "٣", "1" * 5000])
def test_other_priorities_are_invalid(text: str) -> None:
    with pytest.raises(StreamappError) as refusal:
        fields.priority(text)
    assert refusal.value.code is Code.FIELD_INVALID


def test_a_file_name_is_cut_and_made_printable() -> None:
    assert fields.file_name("a\x1b[31m.zip") == "a[31m.zip"
    assert fields.file_name("x" * 300) == "x" * 255
    assert fields.file_name(None) == ""


def test_a_batch_id_is_a_version_7_uuid_of_its_time() -> None:
    made = uuid.UUID(batch_id(now_s=1_700_000_000.123, entropy=b"\xff" * ENTROPY_BYTES))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 1_700_000_000_123


def test_batch_ids_sort_by_time_and_differ_by_entropy() -> None:
    early = batch_id(now_s=1.0, entropy=b"\xff" * ENTROPY_BYTES)
    late = batch_id(now_s=2.0, entropy=b"\x00" * ENTROPY_BYTES)
    other = batch_id(now_s=2.0, entropy=b"\x00" * (ENTROPY_BYTES - 1) + b"\x01")
    assert early < late < other
    assert all(map(is_batch_id, (early, late, other)))


@pytest.mark.parametrize(
    "text", ["", "0" * 31, "0" * 33, "A" * 32, "0" * 31 + "/", "0" * 32 + "\n"]
)
def test_nothing_else_is_a_batch_id(text: str) -> None:
    assert not is_batch_id(text)


def test_a_fault_of_the_service_keeps_its_particulars() -> None:
    theirs = problem(StreamappError(Code.FIELD_MISSING, "projectId"))
    ours = problem(StreamappError(Code.STORE_AWAY, "http://internal:9000"))
    assert b'"detail":"projectId"' in bytes(theirs.body)
    assert b"internal" not in bytes(ours.body)
