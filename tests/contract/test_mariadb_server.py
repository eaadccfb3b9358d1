"""What the tests' own MariaDB promises."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from ops.services.mariadb import MariadbServer
from tests.fixtures_mariadb import execute

if TYPE_CHECKING:
    from pathlib import Path

OWNER = """
import sys, time
from pathlib import Path
from ops.services.mariadb import MariadbServer

with MariadbServer(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


def test_the_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        server = psutil.Process(int(owner.stdout.readline()))
        os.kill(owner.pid, signal.SIGKILL)
    assert not psutil.wait_procs([server], timeout=10)[1]


def test_what_was_written_is_there_after_a_stop_and_a_kill(tmp_path: Path) -> None:
    with MariadbServer(tmp_path) as server:
        execute(server.url, "CREATE TABLE kept (number INT)")
        server.stop()
        server.start()
        execute(server.url, "INSERT INTO kept VALUES (1)")
        os.kill(server.pid, signal.SIGKILL)
        server.start()
        assert execute(server.url, "SELECT number FROM kept") == [(1,)]


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = MariadbServer(tmp_path)
    with socket.create_server(("127.0.0.1", server.port)):
        started = time.monotonic()
        with pytest.raises(RuntimeError, match="Address already in use"):
            server.start()
        assert time.monotonic() - started < 20
