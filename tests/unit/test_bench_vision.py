"""The benchmarks of the vision run in their quick form and tell all their figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ops.bench.portraits import cut_around_face, make_portrait
from ops.bench.real_portraits import from_folder
from ops.bench.variants import FORMATS, pixels_of

ROOT = Path(__file__).parents[2]


def quick_page(name: str, folder: Path, *arguments: str) -> str:
    """The page of a quick run; its plot is there, too."""
    page = folder / f"{name}.md"
    subprocess.run(
        [sys.executable, "-m", f"ops.bench.{name}", "--quick", "--page", str(page), *arguments],
        cwd=ROOT,
        check=True,
    )
    plot = page.with_suffix(".svg")
    assert plot.read_text().rstrip().endswith("</svg>")
    text = page.read_text()
    assert f"]({plot.name})" in text
    return text


def row(page: str, name: str, at: int = 0) -> list[str]:
    """The figures of the ``at``-th row of that name."""
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in figures] for key, *figures in rows if key.strip() == name][at]


def test_speed_times_every_contestant_and_every_stage(tmp_path: Path) -> None:
    page = quick_page("vision_speed", tmp_path)
    for name in ("this pipeline", "Haar at 1024", "Haar at 640", "autocrop 2"):
        assert float(row(page, name)[0]) > 0
    for name in ("header", "decode", "detect", "crop", "quality", "encode"):
        assert float(row(page, name)[0]) > 0
    wanted, measured, verdict = row(page, "less than Haar at 1024, at 1 MP")
    assert wanted == "≥ 25×"
    assert verdict == ("met" if float(measured.rstrip("×")) >= 25 else "**missed**")


def test_speed_measures_the_photos_of_a_folder_as_well(tmp_path: Path) -> None:
    photos = photo_folders(tmp_path) / "portrait"
    page = quick_page("vision_speed", tmp_path, "--photos", f"{photos}/")
    assert str(tmp_path) not in page
    assert "`./ops/bench/vision_speed --photos DIR --quick`" in page
    assert float(row(page, "this pipeline", at=2)[0]) > 0
    assert 0.05 < float(row(page, "bytes per pixel", at=2)[0]) < 0.5
    assert row(page, "over the floor, at 1 MP", at=1)[0] == "≤ 3.5×"


def test_photos_of_a_folder_are_chosen_by_name_and_scaled_in_shape(tmp_path: Path) -> None:
    for number, width in enumerate((200, 400, 600, 800)):
        flat = np.full((400, width, 3), 60 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), flat)
    (tmp_path / "0.json").write_text("{}")
    make = from_folder(tmp_path, 2)
    for number, (columns, rows), level in ((0, (224, 447), 0), (1, (387, 258), 120)):
        pixels = pixels_of(make(number, 0.1))
        assert pixels.shape == (rows, columns, 3)
        assert pixels.mean() == pytest.approx(level, abs=2)


def test_accuracy_counts_folders_groups_turns_formats_and_losses(tmp_path: Path) -> None:
    page = quick_page("vision_accuracy", tmp_path, "--photos", str(photo_folders(tmp_path)))
    assert str(tmp_path) not in page
    assert row(page, "yunet")[:3] == ["2 / 0 / 0", "2 / 0 / 0", "0 / 1 / 1"]
    assert row(page, "yunet", at=1) == ["0.5", "2", "0", "0", "1.000", "1.000"]
    assert row(page, "yunet", at=3) == ["2", "2 / 2", "2 / 2", "2 / 2", "2 / 2"]
    assert all(row(page, name) == ["1", "1", "1"] for name in FORMATS)
    assert row(page, "portrait") == ["2", "2", "0", "0"]
    crops, identical, mean, worst = row(page, "portrait", at=1)
    assert (crops, identical) == ("2", "0")
    assert 30 < float(worst.removesuffix(" dB")) <= float(mean.removesuffix(" dB")) < 60


def test_scale_measures_one_child_and_two_and_every_format(tmp_path: Path) -> None:
    page = quick_page("vision_scale", tmp_path)
    for children in ("1", "2"):
        photos_s, _, cpu_ms, peak_mib = row(page, children)
        assert float(photos_s) > 0
        assert float(cpu_ms) > 0
        assert 30 < float(peak_mib) < 1000
    for name in FORMATS:
        cpu_ms, peak_mib = row(page, name)
        assert float(cpu_ms) > 0
        assert 30 < float(peak_mib) < 200
        assert row(page, f"a child, 1 MP, {name}")[0] == "≤ 200 MiB"


def photo_folders(folder: Path) -> Path:
    """Photos as ``vision_accuracy`` wants them, of the sample's portrait and of none."""
    photos = folder / "photos"
    for name in ("portrait", "tight", "no-face", "groups"):
        (photos / name).mkdir(parents=True)
    for number in range(2):
        # Large enough to be decoded at half its size.
        (photos / "portrait" / f"{number}.jpg").write_bytes(make_portrait(number, 2.5))
        tight = cut_around_face(130 + number, 140, down=0.5)
        cv2.imwrite(str(photos / "tight" / f"{number}.png"), tight)
    empty = np.full((300, 400, 3), 90, np.uint8)
    cv2.imwrite(str(photos / "no-face" / "plain.jpg"), empty)
    (photos / "no-face" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo at all")
    pair = cv2.hconcat([cut_around_face(240, 240, down=0.5)] * 2)
    cv2.imwrite(str(photos / "groups" / "pair.jpg"), pair)
    # The face is at (180, 63) of the portrait, its cuts are around (224, 118).
    boxes = {"pair.jpg": [[76, 63, 89, 111], [316, 63, 89, 111]]}
    (photos / "groups" / "boxes.json").write_text(json.dumps(boxes))
    return photos


@pytest.mark.parametrize("megapixels", [1, 4])
def test_a_portrait_is_as_large_as_a_camera_s(megapixels: float) -> None:
    assert 0.17 < len(make_portrait(3, megapixels)) / (megapixels * 1e6) < 0.27
