"""A private MariaDB server from the installed package, for tests and benchmarks.

It has its own data directory, socket and loopback port, reads no configuration of the machine,
and ends with the process that started it.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from typing import TYPE_CHECKING, Self

import pymysql

from connectors.daemon import Daemon
from connectors.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

READY_WITHIN_S = 60.0

_SMALL = [
    "--skip-name-resolve",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=32M",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=8M",
    "--performance-schema=OFF",
]


class MariadbServer:
    """A server whose files live in ``data``; what is there already is used again.

    Use it as a context manager, or call `start` and `stop`. Port, user and password stay the same
    over restarts; the user may do everything, also make further databases and users.
    """

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._password = secrets.token_hex(16)
        (self.port,) = free_ports(1)
        command = ["mariadbd", *self._place(), *self._addresses(), *_SMALL]
        self._daemon = Daemon(command, log=self._data / "mariadb.log")

    @property
    def url(self) -> str:
        """Where it is: ``mysql://user:password@host:port/database``."""
        return f"mysql://streamapp:{self._password}@127.0.0.1:{self.port}/streamapp"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._daemon.pid

    def __enter__(self) -> Self:
        """Start, and wait until it answers."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait for the end."""
        self.stop()

    def start(self) -> None:
        """Start the server, or start it again after it ended; return when it answers.

        Raises:
            RuntimeError: It is not installed or did not start; with the end of its log.
        """
        self.stop()
        (self._data / "tmp").mkdir(parents=True, exist_ok=True)
        self._install()
        self._write_accounts()
        self._daemon.start()
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server, gently first; it may have ended already."""
        self._daemon.stop()

    def _place(self) -> list[str]:
        # Temporary files, too: of two servers with one folder each deletes those of the other.
        own = [f"--datadir={self._data / 'db'}", f"--tmpdir={self._data / 'tmp'}"]
        options = ["--no-defaults", *own]
        return [*options, "--user=root"] if os.geteuid() == 0 else options

    def _addresses(self) -> list[str]:
        return [
            f"--init-file={self._data / 'accounts.sql'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            # Relative to the data directory: the full path may be too long for a socket.
            "--socket=mariadb.sock",
            "--pid-file=mariadb.pid",
        ]

    def _install(self) -> None:
        if (self._data / "db" / "mysql").exists():
            return
        command = ["mariadb-install-db", *self._place(), "--skip-test-db", "--skip-name-resolve"]
        try:
            subprocess.run(
                command, capture_output=True, text=True, timeout=READY_WITHIN_S, check=True
            )
        except FileNotFoundError as error:
            message = "MariaDB is not installed: apt-get install mariadb-server"
            raise RuntimeError(message) from error
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"mariadb-install-db: {error.stdout}{error.stderr}") from error

    def _write_accounts(self) -> None:
        accounts = self._data / "accounts.sql"
        accounts.touch(mode=0o600)
        accounts.write_text(
            "CREATE DATABASE IF NOT EXISTS streamapp;\n"
            f"CREATE OR REPLACE USER streamapp@'127.0.0.1' IDENTIFIED BY '{self._password}';\n"
            "GRANT ALL ON *.* TO streamapp@'127.0.0.1' WITH GRANT OPTION;\n"
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if self._daemon.exit_code is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start: {self._daemon.log_tail()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            pymysql.connect(
                host="127.0.0.1",
                port=self.port,
                user="streamapp",
                password=self._password,
                database="streamapp",
                connect_timeout=2,
                read_timeout=2,
            ).close()
        except pymysql.Error:
            return False
        return True
