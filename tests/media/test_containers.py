"""What a container says of itself, against what Pillow reads from the whole."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.media.containers import read_container
from tests.support.pictures import webp

SIZES = st.tuples(st.integers(1, 400), st.integers(1, 400))


@given(SIZES, st.sampled_from([("WEBP", {}), ("WEBP", {"lossless": True}), ("JPEG", {}), ("PNG", {})]))
def test_dimensions_are_those_of_the_picture(size: tuple[int, int], how: tuple[str, dict[str, bool]]) -> None:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, how[0], **how[1])
    assert read_container(out.getvalue()) == (how[0], *size)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_dimensions_are_found_behind_metadata(form: str) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "x" * 5000
    kind = {"progressive": True} if form == "JPEG" else {}
    Image.new("RGB", (123, 45)).save(out, form, exif=exif, icc_profile=b"p" * 3000, **kind)
    assert read_container(out.getvalue()) == (form, 123, 45)


def test_an_animation_is_no_picture() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="still"):
        read_container(out.getvalue())


@given(st.sampled_from(["WEBP", "JPEG", "PNG"]).map(lambda form: webp(64, 48, form=form)), st.data())
def test_a_picture_that_was_cut_off_is_never_one(whole: bytes, data: st.DataObject) -> None:
    with pytest.raises(ValueError):
        read_container(whole[: data.draw(st.integers(0, len(whole) - 2))])


@given(st.binary(max_size=300), st.sampled_from([b"", b"RIFF", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]))
def test_anything_else_is_refused_without_another_error(rest: bytes, start: bytes) -> None:
    with pytest.raises(ValueError):
        read_container(start + rest + b"\x00")
