"""A folder of images in class folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ridgeway.errors import InputError

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def read_images(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads images of equal size, one folder a class, classes in the order of their names.

    Returns:
        uint8 `(row, height, width)` for grey images, else `(row, height, width, 3)`, and the class names as text
        `(row,)`.

    Raises:
        InputError: no class folders with images, sizes that differ, an unreadable file, or Pillow is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise InputError("Reading images needs Pillow. Install it by pip install 'ridgeway[images]'.") from None
    found = [
        (file, group.name)
        for group in sorted(folder.iterdir())
        if group.is_dir()
        for file in sorted(group.iterdir())
        if file.suffix.lower() in _ENDINGS
    ]
    if not found:
        raise InputError(
            f"'{folder}' holds no class folders with images. Put each class's images into a folder of its own."
        )
    pictures = []
    for file, _ in found:
        try:
            with Image.open(file) as image:
                pictures.append(np.asarray(image if image.mode == "L" else image.convert("RGB"), np.uint8))
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(f"'{file}' can't be read as an image: {error}. Remove or replace it.") from None
        if pictures[-1].shape != pictures[0].shape:
            raise InputError(
                f"'{file}' has the shape {pictures[-1].shape}, and '{found[0][0]}' has {pictures[0].shape}. Scale the "
                "images to one size first."
            )
    return np.stack(pictures), np.array([name for _, name in found])
