"""The parts of a form with photos: what has a file name is a photo, whatever its field is called.

Fields may come in any order, between the photos too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from multipart import MultipartSegment

from streamapp.upload.parts import Form

if TYPE_CHECKING:
    from streamapp.upload.packing import Packing


class ImageParts:
    """The parts of one form, one after the other."""

    def __init__(self, packing: Packing) -> None:
        self.form = Form()
        self._packing = packing
        self._in_photo = False
        self._unnamed = False

    async def take(self, event: MultipartSegment | bytes | None) -> None:
        """A part begins (segment), goes on (bytes) or is complete (None)."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._unnamed:
            await self._take_unnamed(event)
        elif not self._in_photo:
            self.form.take(event)
        elif event is None:
            await self._packing.end()
        else:
            await self._packing.write(event)

    def _begin(self, part: MultipartSegment) -> None:
        self._in_photo = part.filename is not None
        self._unnamed = part.filename == ""
        if part.filename:
            self._packing.begin(part.filename)
        elif not self._in_photo:
            self.form.begin(part.name)

    async def _take_unnamed(self, event: bytes | None) -> None:
        """A browser's form without a chosen file sends one without a name and without a byte."""
        self._unnamed = False
        if event is not None:
            self._packing.begin("")
            await self._packing.write(event)
