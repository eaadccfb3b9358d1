"""How photos are searched, judged and cropped."""

from __future__ import annotations

from typing import Literal

import msgspec

DetectorName = Literal["yunet", "opencv", "haar"]
CropFormat = Literal["jpeg", "webp", "png"]

NO_TILT_LIMIT = 180.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The defaults are those of the product.

    ``faces_max``: 1 for the best face alone, more for all of them, best first, up to that many.
    ``score_min``: least score of the detector (0 to 1), after a second look where it was unsure.
    ``size_min``: least longer side of a face, in pixels of the original.
    ``padding``: share of the face's longer side around it.
    ``level``: turn the crop so that the eyes are level. ``crop_quality``: of JPEG and WebP.
    ``pixels_max``: most pixels of a photo.

    A face beyond a limit is rejected: ``sharpness_min`` (variance of the Laplacian of its crop),
    ``brightness_min`` and ``brightness_max`` (mean luma, 0 to 255), ``tilt_max`` (degrees).
    """

    detector: DetectorName = "yunet"
    faces_max: int = 1
    score_min: float = 0.8
    size_min: int = 0
    crop_width: int = 300
    crop_height: int = 300
    padding: float = 0.20
    level: bool = False
    crop_format: CropFormat = "jpeg"
    crop_quality: int = 90
    sharpness_min: float = 0.0
    brightness_min: float = 0.0
    brightness_max: float = 255.0
    tilt_max: float = NO_TILT_LIMIT
    pixels_max: int = 150_000_000

    @property
    def tilt_matters(self) -> bool:
        """Whether the tilt of a face is measured: that costs 2 to 6 ms a face."""
        return self.level or self.tilt_max < NO_TILT_LIMIT


DEFAULTS = Options()
