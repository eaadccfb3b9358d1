"""The settings of what is done with a photo: found, judged, cropped, and at what cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

MIB = 1024 * 1024

CROP_SIDE_MIN_PX = 16
CROP_SIDE_MAX_PX = 2048
CROP_SHAPE_MAX = 8


def _sides(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    return int(width), int(height or width)


def _bounded(size: str) -> str:
    longer, shorter = max(_sides(size)), min(_sides(size))
    if shorter and longer > CROP_SHAPE_MAX * shorter:
        raise ValueError(f"a side must be at most {CROP_SHAPE_MAX} times the other")
    if not all(CROP_SIDE_MIN_PX <= side <= CROP_SIDE_MAX_PX for side in _sides(size)):
        raise ValueError(f"a side must have {CROP_SIDE_MIN_PX} to {CROP_SIDE_MAX_PX} pixels")
    return size


CropSize = Annotated[str, Field(pattern="^[0-9]{1,4}(x[0-9]{1,4})?$"), AfterValidator(_bounded)]


class VisionSettings(BaseModel):
    """A part of `settings.Settings`; what is behind the words, see `vision.Options`."""

    detector: Literal["yunet", "opencv", "haar"] = Field(
        "yunet", description="yunet; opencv: the same in OpenCV's runtime; haar: the old cascade."
    )
    faces: Literal["one", "all"] = Field(
        "one", description="one: the best face of a photo, by area times score squared; or all."
    )
    faces_max: int = Field(20, ge=1, le=100, description="Most faces of a photo when FACES=all.")
    face_score_min: float = Field(
        0.8, ge=0.1, le=1, description="Least score of a face that counts, 0.1 to 1; haar has none."
    )
    face_size_min: int = Field(
        0, ge=0, le=65_535, description="Least longer side of a face that counts, in pixels."
    )

    face_sharpness_min: float = Field(
        0.0,
        ge=0,
        le=100_000,
        description="Least sharpness of a crop, as the variance of its Laplacian; else rejected.",
    )
    face_brightness_min: float = Field(
        0.0, ge=0, le=255, description="Least mean brightness of a crop, 0 to 255; else rejected."
    )
    face_brightness_max: float = Field(
        255.0, ge=0, le=255, description="Most mean brightness of a crop, 0 to 255; else rejected."
    )
    face_tilt_max: float = Field(
        180.0,
        ge=0,
        le=180,
        description="Most tilt of the eyes, in degrees; else rejected. 180: no limit.",
    )

    crop_size: CropSize = Field(
        "300", description="Crop in pixels, 16 to 2048 a side: 300, or width times height 300x400."
    )
    crop_padding: float = Field(
        0.20, ge=0, le=2, description="Border on each side, as a share of the face's longer side."
    )
    crop_level: bool = Field(default=False, description="Turn crops so that the eyes are level.")
    crop_format: Literal["jpeg", "webp", "png"] = Field("jpeg", description="Format of the crops.")
    crop_quality: int = Field(90, ge=1, le=100, description="Quality of JPEG and WebP, 1 to 100.")

    photo_time_limit_s: float = Field(
        20.0, ge=0.1, le=600, description="Longest time for one photo, in seconds."
    )
    photo_memory_max: int = Field(
        1536 * MIB, ge=512 * MIB, description="Most memory of a child process, in bytes."
    )
    photo_pixels_max: int = Field(
        150_000_000,
        ge=1_000_000,
        le=500_000_000,
        description="Most pixels of a photo (width times height).",
    )

    @field_validator("face_brightness_max")
    @classmethod
    def _above_least(cls, most: float, others: ValidationInfo) -> float:
        if most < others.data.get("face_brightness_min", 0):
            raise ValueError("must not be below FACE_BRIGHTNESS_MIN")
        return most

    @field_validator("crop_level", "face_tilt_max")
    @classmethod
    def _eyes_are_seen(cls, value: float, others: ValidationInfo) -> float:
        if others.data.get("detector") == "haar" and value not in {False, 180.0}:
            raise ValueError("needs another DETECTOR than haar, which sees no eyes")
        return value

    @property
    def crop_sides(self) -> tuple[int, int]:
        """Width and height of a crop, in pixels."""
        return _sides(self.crop_size)


def faults(error: ValidationError) -> str:
    """Each variable of settings that are not allowed, and what is wrong with it."""
    return "; ".join(
        f"{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
        for fault in error.errors()
    )
