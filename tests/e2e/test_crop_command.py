"""``streamapp crop``, as a person and a pipe use it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from ops.sample.make import PORTRAIT, with_orientation

COMMAND = [sys.executable, "-m", "streamapp", "crop"]
PATIENCE_S = 90.0
PHOTO = PORTRAIT.read_bytes()
FACE = (180, 63, 89, 111)
"""The portrait's face, of 512 by 512 pixels: left, top, width, height."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def crop(*arguments: object, **env: str) -> tuple[int, list[str], str]:
    """Exit code, lines of standard output, and standard error."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=os.environ | env,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines(), done.stderr


def put(path: str, content: bytes) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def written(folder: str = "faces") -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()
    )


def pixels(path: str | Path) -> Any:
    return cv2.imread(str(path))


def encoded(picture: Any, suffix: str = ".jpg") -> bytes:
    done, content = cv2.imencode(suffix, picture)
    assert done
    return bytes(content)


def without_face() -> bytes:
    corners = np.array([[[200, 120, 40], [90, 160, 80]], [[60, 60, 60], [20, 90, 200]]], np.uint8)
    return encoded(cv2.resize(corners, (320, 240)))


def two_portraits() -> bytes:
    portrait = pixels(PORTRAIT)
    smaller = cv2.resize(cv2.flip(portrait, 1), (400, 400))
    smaller = cv2.copyMakeBorder(smaller, 0, 112, 0, 0, cv2.BORDER_REPLICATE)
    return encoded(np.hstack([portrait, smaller]))


def test_a_face_is_told_with_box_score_and_crop(here: Path) -> None:
    photo = put("me.jpg", PHOTO)
    code, lines, told = crop(photo)
    assert code == 0
    name, faces, face = lines[0].split("\t")
    left, top, width, height = FACE
    assert (name, faces) == ("me.jpg", "1 face")
    assert face == f"{width}×{height} at {left},{top}, score 0.94 → faces/me.jpg"
    assert pixels("faces/me.jpg").shape == (300, 300, 3)
    assert written() == ["me.jpg"]
    assert told == "1 photos: 1 with a face, 0 without, 0 failed; crops are in faces.\n"
    assert sorted(path.name for path in here.iterdir()) == ["faces", "me.jpg"]


def test_a_photo_without_a_face_is_no_failure(here: Path) -> None:
    code, lines, _ = crop(put("wall.jpg", without_face()), "--out", here / "out")
    assert (code, lines) == (0, ["wall.jpg\tno faces"])
    assert written("out") == []


def test_what_is_no_photo_fails_with_its_code_and_what_to_do() -> None:
    code, lines, told = crop(put("notes.jpg", b"buy milk"), put("me.jpg", PHOTO))
    assert code == 1
    assert lines[0].startswith("notes.jpg\tphoto_not_an_image\t")
    assert "Give JPEG" in lines[0]
    assert lines[1].startswith("me.jpg\t1 face\t")
    assert "1 failed" in told
    assert written() == ["me.jpg"]


def test_a_photo_that_takes_too_long_or_too_much_costs_itself_alone() -> None:
    huge = put("huge.png", encoded(np.zeros((1200, 1200, 3), np.uint8), ".png"))
    os.mkfifo("endless.jpg")  # whoever opens it to read waits for ever
    code, lines, _ = crop(
        huge,
        "endless.jpg",
        put("me.jpg", PHOTO),
        PHOTO_PIXELS_MAX="1000000",
        PHOTO_TIME_LIMIT_S="3",
    )
    assert code == 1
    assert [line.split("\t")[1] for line in lines] == [
        "photo_too_many_pixels",
        "photo_timed_out",
        "1 face",
    ]
    assert "raise PHOTO_PIXELS_MAX" in lines[0]


def test_a_file_above_the_limit_is_not_read_and_one_that_cannot_be_is_told() -> None:
    long_name = put("n" * 248 + ".jpg", PHOTO)
    code, lines, _ = crop(
        put("film.mp4", bytes(len(PHOTO) + 1)), long_name, "--draw", PHOTO_BYTES_MAX=str(len(PHOTO))
    )
    assert code == 1
    assert [line.split("\t")[1] for line in lines] == ["photo_too_large", "folder_unusable"]
    assert "name too long" in lines[1]


def test_a_folder_means_every_file_below_it_in_order_but_hidden_ones() -> None:
    for name in ("b.jpg", "a/z.jpg", "a/b/c.jpg", "Thumbs.db", ".hidden.jpg", ".git/x.jpg"):
        put(f"photos/{name}", PHOTO)
    code, lines, _ = crop("photos")
    assert code == 0
    assert [line.split("\t")[0] for line in lines] == [
        "photos/a/b/c.jpg",
        "photos/a/z.jpg",
        "photos/b.jpg",
    ]
    assert written() == ["a/b/c.jpg", "a/z.jpg", "b.jpg"]


def test_photos_of_the_same_name_keep_apart() -> None:
    one, other = put("june/me.jpg", PHOTO), put("july/me.jpg", without_face())
    png, further = put("june/me.png", PHOTO), put("june/me-2.jpg", PHOTO)
    drawn = put("june/me.drawn.jpg", PHOTO)
    photos = one, other, png, further, drawn, one
    code, lines, _ = crop(*photos, "--faces", "all", "--draw", "--json")
    assert code == 0
    answers = [json.loads(line) for line in lines]
    assert [answer["photo"] for answer in answers] == [str(path) for path in photos[:5]]
    paths = [face["crop"] for answer in answers for face in answer["faces"]]
    paths += [answer["drawn"] for answer in answers]
    assert len(paths) == len(set(paths)) == 9
    assert sorted(paths) == [f"faces/{name}" for name in written()]
    assert paths[0] == "faces/june/me.jpg"
    assert paths[1] == "faces/june/me.png.jpg"


def test_a_second_run_writes_the_same_files_also_inside_the_folder() -> None:
    put("me.jpg", PHOTO)
    put("two.jpg", two_portraits())

    def files() -> dict[str, bytes]:
        return {name: Path("faces", name).read_bytes() for name in written()}

    first, made = crop(".", "--faces", "all", "--draw"), files()
    again = crop(".", "--faces", "all", "--draw")
    assert first == again
    assert first[0] == 0
    assert files() == made
    assert set(made) == {"me.jpg", "me.drawn.jpg", "two.jpg", "two-2.jpg", "two.drawn.jpg"}


def test_all_faces_of_a_photo_are_cropped_best_first() -> None:
    photo = put("two.jpg", two_portraits())
    code, lines, _ = crop(photo, "--faces", "all", "--json")
    assert code == 0
    answer = json.loads(lines[0])
    assert (answer["photo"], answer["width"], answer["height"]) == ("two.jpg", 912, 512)
    large, small = answer["faces"]
    assert (large["crop"], small["crop"]) == ("faces/two.jpg", "faces/two-2.jpg")
    assert large["x"] < 512 <= small["x"]
    assert large["width"] * large["height"] > small["width"] * small["height"]
    for face in large, small:
        assert 0.6 <= face["score"] <= 1
        assert len(face["landmarks"]) == 5
        assert face["sharpness"] > 0
        assert 0 < face["brightness"] < 255
    one = json.loads(crop(photo, "--json")[1][0])["faces"]
    assert [face["crop"] for face in one] == ["faces/two.jpg"]


def test_the_drawn_copy_shows_the_face_upright_and_small() -> None:
    large = cv2.resize(pixels(PORTRAIT), (2000, 2000))
    lying = cv2.rotate(large, cv2.ROTATE_90_COUNTERCLOCKWISE)
    put("me.jpg", with_orientation(encoded(lying), 6))
    code, lines, _ = crop("me.jpg", "--draw", "--json")
    assert (code, json.loads(lines[0])["drawn"]) == (0, "faces/me.drawn.jpg")
    drawn = pixels("faces/me.drawn.jpg").astype(int)
    assert drawn.shape == (1600, 1600, 3)
    plain = cv2.resize(pixels(PORTRAIT), (1600, 1600)).astype(int)
    changed = np.abs(drawn - plain).max(axis=2) > 60
    left, top, width, height = (round(side * 1600 / 512) for side in FACE)
    on_the_box = changed[top : top + height, left - 8 : left + 8].any(axis=1)
    assert on_the_box.mean() > 0.9
    eyes = changed[top + 90 : top + 150, left + 40 : left + 240]
    assert eyes.any()
    beside = changed.copy()
    beside[top - 60 : top + height + 20, left - 20 : left + width + 20] = False
    assert beside.mean() < 0.005


def test_nothing_of_the_photos_metadata_is_carried_over() -> None:
    secret = b"Exif\0\0taken at home"
    segment = b"\xff\xe1" + (len(secret) + 2).to_bytes(2) + secret
    put("me.jpg", PHOTO[:2] + segment + PHOTO[2:])
    assert crop("me.jpg", "--draw")[0] == 0
    for name in written():
        assert b"Exif" not in Path("faces", name).read_bytes()


@pytest.mark.parametrize(
    ("name", "suffix", "signature"),
    [("jpeg", "jpg", b"\xff\xd8\xff"), ("webp", "webp", b"RIFF"), ("png", "png", b"\x89PNG")],
)
def test_crops_come_in_the_format_and_size_asked_for(
    name: str, suffix: str, signature: bytes
) -> None:
    photo = put("me.jpg", PHOTO)
    code, _, _ = crop(photo, "--format", name, "--size", "120x160", "--padding", "0.5", "--level")
    assert code == 0
    assert Path(f"faces/me.{suffix}").read_bytes().startswith(signature)
    assert pixels(f"faces/me.{suffix}").shape == (160, 120, 3)


def test_a_setting_counts_where_no_option_is_given() -> None:
    photo = put("me.jpg", PHOTO)
    assert crop(photo, CROP_SIZE="64", DETECTOR="haar", CROP_FORMAT="png")[0] == 0
    assert pixels("faces/me.png").shape == (64, 64, 3)
    assert crop(photo, "--size", "80", CROP_SIZE="64")[0] == 0
    assert pixels("faces/me.jpg").shape == (80, 80, 3)


def test_a_rejected_face_is_told_and_has_no_crop() -> None:
    code, lines, _ = crop(put("me.jpg", PHOTO), "--draw", FACE_SHARPNESS_MIN="90000")
    assert code == 0
    assert lines[0].endswith("→ rejected: blurred")
    assert written() == ["me.drawn.jpg"]


def test_a_name_cannot_break_the_line_or_command_the_terminal() -> None:
    name = "a\n\x1b[2J\udcff.jpg"
    put(name, PHOTO)
    code, lines, _ = crop(".")
    assert code == 0
    assert len(lines) == 1
    assert lines[0].startswith("a\\n\\x1b[2J\\udcff.jpg\t1 face")
    assert json.loads(crop(".", "--json")[1][0])["photo"] == name


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Missing argument"),
        (["none.jpg"], "does not exist"),
        (["empty"], "no file in"),
        (["me.jpg", "--out", "."], "lies in the folder of the"),
        (["me.jpg", "--size", "0x9"], "16 to 2048"),
        (["me.jpg", "--padding", "7"], "share of"),
        (["me.jpg", "--faces", "some"], "'one', 'all'"),
        (["me.jpg", "--quick"], "No such option"),
    ],
)
def test_a_wrong_usage_is_told_and_starts_nothing(
    here: Path, arguments: list[str], told: str
) -> None:
    put("me.jpg", PHOTO)
    Path("empty").mkdir()
    code, lines, error = crop(*arguments, COLUMNS="200")
    assert (code, lines) == (2, [])
    assert told in error
    assert sorted(path.name for path in here.iterdir()) == ["empty", "me.jpg"]


def test_a_bad_setting_and_a_folder_that_cannot_be_made_are_failures() -> None:
    photo = put("me.jpg", PHOTO)
    code, _, told = crop(photo, CROP_SIZE="none")
    assert (code, "setting_invalid" in told, "CROP_SIZE" in told) == (1, True, True)
    code, _, told = crop(photo, "--out", photo / "faces")
    assert (code, "folder_unusable" in told) == (1, True)


def many_photos(count: int) -> None:
    for number in range(count):
        put(f"photos/{number:03d}.jpg", PHOTO)


def on_a_terminal(*arguments: str, piped: bool) -> tuple[bytes, str]:
    """What goes into the pipe for standard output, if there is one, and to the terminal."""
    terminal, its_end = pty.openpty()
    output = subprocess.PIPE if piped else its_end
    with subprocess.Popen([*COMMAND, *arguments], stdout=output, stderr=its_end) as process:
        os.close(its_end)
        said = process.stdout.read() if process.stdout else b""
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while piece := os.read(terminal, 1 << 16):
                shown += piece
    os.close(terminal)
    assert process.returncode == 0
    return said, shown.decode()


def test_a_bar_goes_to_the_terminal_and_every_line_to_the_pipe() -> None:
    many_photos(24)
    said, shown = on_a_terminal("photos", piped=True)
    assert said.count(b"1 face") == said.count(b"\n") == 24
    assert "Finding faces" in shown
    assert "1 face\t" not in shown


def test_on_one_terminal_the_lines_pass_above_the_bar() -> None:
    many_photos(24)
    _, shown = on_a_terminal("photos", piped=False)
    assert "Finding faces" in shown
    lines = [line.rpartition("\x1b[2K")[2] for line in shown.split("\n") if "1 face" in line]
    assert [line.split()[0] for line in lines] == [f"photos/{n:03d}.jpg" for n in range(24)]


def test_few_photos_need_no_bar() -> None:
    many_photos(3)
    assert "Finding faces" not in on_a_terminal("photos", piped=True)[1]


def test_a_pipe_that_closes_early_ends_it_quietly() -> None:
    many_photos(40)
    command = f"{' '.join(COMMAND)} photos | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert not list(Path("faces").glob(".*"))


def test_a_terminal_without_utf_8_is_no_reason_to_stop() -> None:
    put("me.jpg", PHOTO)
    code, lines, _ = crop("me.jpg", PYTHONIOENCODING="ascii")
    assert code == 0
    assert "89\\xd7111" in lines[0]


def test_a_link_to_a_picture_among_the_crops_is_refused() -> None:
    put("out/real.jpg", PHOTO)
    Path("photos").mkdir()
    Path("photos/real.jpg").symlink_to("../out/real.jpg")
    code, _, told = crop("photos", "--out", "out")
    assert code == 2
    assert "could replace it" in " ".join(told.split())
    assert Path("out/real.jpg").read_bytes() == PHOTO


def test_a_photo_that_takes_too_much_memory_leaves_the_others_alone() -> None:
    flat = cv2.imencode(".png", np.full((13_000, 11_000, 3), 90, np.uint8))[1].tobytes()
    put("photos/a.png", flat)
    put("photos/b.jpg", PHOTO)
    code, lines, _ = crop("photos", "--json", PHOTO_MEMORY_MAX="536870912")
    assert code == 1
    first, second = map(json.loads, lines)
    assert first["code"] == "photo_crashed"
    assert len(second["faces"]) == 1


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.5])
def test_ctrl_c_while_the_children_start_ends_it_quietly(after_s: float) -> None:
    many_photos(500)
    with subprocess.Popen(
        [*COMMAND, "photos"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        while not any("forkserver" in " ".join(each.cmdline()) for each in family_of(process)):
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the children, too
        _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert told == b"", told.decode()


def family_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_whole_files_alone(number: signal.Signals) -> None:
    many_photos(2000)
    with subprocess.Popen(
        [*COMMAND, "photos"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert b"1 face" in process.stdout.readline()
        family = family_of(process)
        os.killpg(process.pid, number)  # as a terminal does: to the children, too
        began = time.monotonic()
        _, told = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number
    assert time.monotonic() - began < 15
    assert told == b"", told.decode()
    assert psutil.wait_procs(family, timeout=10)[1] == []
    assert not list(Path("faces").glob(".*"))
    assert len(written()) < 2000
    assert all(pixels(Path("faces", name)).shape == (300, 300, 3) for name in written())
