"""What the settings mean to the search for faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.vision import Options

if TYPE_CHECKING:
    from streamapp.vision_settings import VisionSettings


def options(settings: VisionSettings) -> Options:
    """How photos are searched, judged and cropped."""
    crop_width, crop_height = settings.crop_sides
    return Options(
        detector=settings.detector,
        faces_max=1 if settings.faces == "one" else settings.faces_max,
        score_min=settings.face_score_min,
        size_min=settings.face_size_min,
        crop_width=crop_width,
        crop_height=crop_height,
        padding=settings.crop_padding,
        level=settings.crop_level,
        crop_format=settings.crop_format,
        crop_quality=settings.crop_quality,
        sharpness_min=settings.face_sharpness_min,
        brightness_min=settings.face_brightness_min,
        brightness_max=settings.face_brightness_max,
        tilt_max=settings.face_tilt_max,
        pixels_max=settings.photo_pixels_max,
    )
