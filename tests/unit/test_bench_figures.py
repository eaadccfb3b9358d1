"""What the benchmarks of the vision count by is right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ops.bench.fidelity import psnr
from ops.bench.finding import shows_the_same
from ops.bench.matching import Matches, match, overlap
from ops.bench.photos import read_portrait
from ops.bench.targets import Target
from ops.bench.variants import TURNS, pixels_of, turned
from streamapp.events import Face
from streamapp.vision import FoundFace
from streamapp.vision.geometry import Box

LABEL = Box(10, 10, 20, 20)


def test_the_overlap_is_the_shared_area_over_both_together() -> None:
    assert overlap(LABEL, LABEL) == 1
    assert overlap(LABEL, Box(20, 10, 20, 20)) == pytest.approx(200 / 600)
    assert overlap(LABEL, Box(40, 40, 5, 5)) == 0


def test_a_labelled_face_is_found_once() -> None:
    assert match([LABEL, LABEL], [LABEL], 0.5) == Matches(right=1, false=1, missed=0)
    assert match([], [LABEL], 0.5) == Matches(right=0, false=0, missed=1)
    assert match([Box(20, 10, 20, 20)], [LABEL], 0.5) == Matches(right=0, false=1, missed=1)
    assert match([Box(20, 10, 20, 20)], [LABEL], 0.3) == Matches(right=1, false=0, missed=0)


def test_precision_and_recall() -> None:
    matches = Matches(right=3, false=1, missed=2)
    assert (matches.precision, matches.recall) == (0.75, 0.6)


def test_psnr_is_infinite_for_the_same_and_falls_by_6_db_when_the_error_doubles() -> None:
    one = np.full((8, 8, 3), 100, np.uint8)
    assert psnr(one, one) == math.inf
    assert psnr(one, one + 1) == pytest.approx(48.13, abs=0.01)
    assert psnr(one, one + 1) - psnr(one, one + 2) == pytest.approx(6.02, abs=0.01)


def test_a_crop_that_lies_does_not_show_the_same() -> None:
    upright, *lying = (found(turned(read_portrait(), degrees)) for degrees in TURNS)
    assert shows_the_same(upright, upright)
    assert not any(shows_the_same(upright, each) for each in lying)
    assert not shows_the_same(upright, None)


def test_a_picture_is_turned_clockwise() -> None:
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32] = 255
    right = pixels_of(turned(pixels, 90))
    assert right.shape[:2] == (64, 32)
    assert right[:30].mean() > 250
    assert right[34:].mean() < 5


def test_a_target_is_met_at_its_bound_and_not_beyond() -> None:
    assert Target("it", 3.0, at_least=3.0).met
    assert not Target("it", 2.9, at_least=3.0).met
    assert Target("it", 3.0, at_most=3.0).met
    assert not Target("it", 3.1, at_most=3.0).met


def found(crop: bytes) -> FoundFace:
    """A face with this crop."""
    face = Face(x=0, y=0, width=9, height=9, score=1.0)
    return FoundFace(face=face, crop=crop)
