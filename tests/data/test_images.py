"""Folders of images, a folder a class."""

from pathlib import Path

import numpy as np
import pytest

from ridgeway.data.images import read_images
from ridgeway.errors import InputError

Image = pytest.importorskip("PIL.Image")


def write(file: Path, array: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint8)).save(file)


def test_grey(tmp_path: Path) -> None:
    first, second = np.arange(12).reshape(4, 3), np.arange(12).reshape(4, 3) * 2
    write(tmp_path / "dog" / "1.png", first)
    write(tmp_path / "cat" / "b.PNG", second)
    write(tmp_path / "cat" / "a.bmp", first)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "README").write_text("no class")
    x, names = read_images(tmp_path)
    np.testing.assert_array_equal(x, [first, second, first])
    assert x.dtype == np.uint8 and names.tolist() == ["cat", "cat", "dog"]


def test_colour(tmp_path: Path) -> None:
    write(tmp_path / "cat" / "1.png", np.full((4, 3, 3), 7))
    write(tmp_path / "dog" / "1.png", np.full((4, 3, 4), 9))
    assert read_images(tmp_path)[0].shape == (2, 4, 3, 3)


def test_sizes_that_differ(tmp_path: Path) -> None:
    write(tmp_path / "cat" / "1.png", np.zeros((4, 3)))
    write(tmp_path / "dog" / "1.png", np.zeros((5, 3)))
    with pytest.raises(InputError, match=r"dog/1.png' has the shape \(5, 3\).*cat/1.png' has \(4, 3\)"):
        read_images(tmp_path)


def test_an_image_that_is_none(tmp_path: Path) -> None:
    write(tmp_path / "cat" / "1.png", np.zeros((4, 3)))
    (tmp_path / "cat" / "2.png").write_text("no image")
    with pytest.raises(InputError, match="cat/2.png' can't be read as an image"):
        read_images(tmp_path)


def test_no_class_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no class folders with images"):
        read_images(tmp_path)
