"""``streamapp migrate``: the schema of a real MariaDB, brought up as by who upgrades."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from connectors.records.migrations import migrations
from tests.fixtures_mariadb import execute

STEPS = [f"{step.version:04} {step.name}" for step in migrations("mysql")]


def migrate(url: str, *options: str) -> tuple[int, list[str], str]:
    """Exit code, what is said of the steps, and standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "streamapp", "migrate", *options],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=os.environ | {"RECORDS_URL": url},
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def said(state: str) -> list[str]:
    return [f"{state:8} {step}" for step in STEPS]


def test_a_dry_run_tells_the_missing_steps_and_makes_none(mysql_url: str) -> None:
    assert migrate(mysql_url, "--dry-run") == (0, said("missing"), "")
    assert execute(mysql_url, "SHOW TABLES") == []


def test_the_missing_steps_are_made_once(mysql_url: str) -> None:
    assert migrate(mysql_url) == (0, said("made"), "")
    assert migrate(mysql_url) == (0, said("present"), "")
    assert migrate(mysql_url, "--dry-run") == (0, said("present"), "")


def test_several_may_migrate_at_once(mysql_url: str) -> None:
    with ThreadPoolExecutor() as threads:
        ends = list(threads.map(migrate, [mysql_url] * 3))
    assert [code for code, _, _ in ends] == [0] * 3
    assert migrate(mysql_url) == (0, said("present"), "")


def test_a_database_of_a_later_release_is_refused_with_its_code(mysql_url: str) -> None:
    migrate(mysql_url)
    execute(mysql_url, "INSERT INTO streamapp_schema (version, name) VALUES (99, 'later')")
    for options in ([], ["--dry-run"]):
        code, lines, complaint = migrate(mysql_url, *options)
        assert (code, lines) == (1, [])
        assert "records_newer" in complaint
        assert "99" in complaint
        assert "Traceback" not in complaint


def test_a_database_that_is_away_is_told_with_its_code(mysql_url: str) -> None:
    code, _, complaint = migrate(f"{mysql_url}_missing")
    assert code == 1
    assert "records_away" in complaint
