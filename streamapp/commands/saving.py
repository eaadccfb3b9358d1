"""What comes piece by piece goes to standard output, or into a file that is whole or not there."""

from __future__ import annotations

import sys
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

STANDARD_OUTPUT = "-"


async def save(pieces: AsyncGenerator[bytes, None], out: str) -> None:
    """Write all pieces to the file ``out``, or to standard output when it is `STANDARD_OUTPUT`.

    Raises:
        StreamappError: what ``pieces`` raise, or ``FOLDER_UNUSABLE``; nothing of the file is left.
    """
    async with aclosing(pieces):
        if out == STANDARD_OUTPUT:
            async for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        with _whole(Path(out)) as file:
            async for piece in pieces:
                with _usable():
                    file.write(piece)


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file beside ``path``, which takes its name when the block ends well, and else goes."""
    aside = path.with_name(f".{path.name}.part")
    with _usable():
        file = aside.open("wb")
    try:
        with file:
            yield file
        with _usable():
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StreamappError(Code.FOLDER_UNUSABLE, str(error)) from error
