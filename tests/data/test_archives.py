"""`.npz` and IDX, sound and broken."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from ridgeway.data.archives import holds_idx, is_idx, read_idx, read_idx_pair, read_npz
from ridgeway.errors import InputError

IMAGES = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path: Path, kind: str, packed: bool) -> None:
    array = IMAGES.astype(kind)
    file = tmp_path / ("a-idx3-ubyte.gz" if packed else "a-idx3-ubyte")
    file.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    found = read_idx(file)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype and found.flags.writeable


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (idx(IMAGES)[:-5], r"has 19 bytes of data, not the shape \(4, 3, 2\)"),
        (idx(IMAGES) + b"?", "has more than 24 bytes of data"),
        (idx(IMAGES)[:9], "ends inside its header"),
        (b"\x00\x01\x08\x01" + idx(IMAGES)[4:], "is no IDX file: it begins with 00010801"),
        (b"\x00\x00\x07\x03" + idx(IMAGES)[4:], "is no IDX file: it begins with 00000703"),
        (b"", "is no IDX file"),
        (struct.pack(">BBBBIII", 0, 0, 8, 3, 10**9, 28, 28) + bytes(24), "has 24 bytes of data, not the shape"),
        (struct.pack(">BBBBIII", 0, 0, 8, 3, *[2**32 - 1] * 3) + bytes(24), "has 24 bytes of data, not the shape"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_broken_idx(tmp_path: Path, content: bytes, said: str, packed: bool) -> None:
    file = tmp_path / ("a-idx3-ubyte.gz" if packed else "a-idx3-ubyte")
    file.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(InputError, match=said) as caught:
        read_idx(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(idx(IMAGES))[:-12], b"no gzip at all", gzip.compress(idx(IMAGES))[:12] + b"\xff" * 20, b""],
    ids=["truncated", "none", "corrupt", "empty"],
)
def test_broken_gzip(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a-idx3-ubyte.gz"
    file.write_bytes(content)
    with pytest.raises(InputError, match="a-idx3-ubyte.gz"):
        read_idx(file)


def write_pair(folder: Path, name: str, rows: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES[:rows])))
    (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(rows, dtype=np.uint8))))


def test_a_pair_by_folder_and_by_file(tmp_path: Path) -> None:
    write_pair(tmp_path / "mnist", "t10k", 3)
    for path in (tmp_path / "mnist", tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"):
        x, y = read_idx_pair(path)
        np.testing.assert_array_equal(x, IMAGES[:3])
        np.testing.assert_array_equal(y, [0, 1, 2])
    write_pair(tmp_path / "mnist", "train", 4)
    assert len(read_idx_pair(tmp_path / "mnist")[0]) == 4, "the training part is the one to train on"


def test_images_without_labels(tmp_path: Path) -> None:
    write_pair(tmp_path / "mnist", "t10k", 3)
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(InputError, match="has no labels beside it.*t10k-labels-idx1-ubyte.gz"):
        read_idx_pair(tmp_path / "mnist")
    assert read_idx_pair(tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz")[1] is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no IDX images"):
        read_idx_pair(tmp_path / "empty")


def test_names(tmp_path: Path) -> None:
    assert is_idx(Path("train-images-idx3-ubyte.gz")) and is_idx(Path("a.idx"))
    assert not is_idx(Path("a.csv.gz")) and not is_idx(Path("a.npz"))
    write_pair(tmp_path / "mnist", "t10k", 3)
    assert holds_idx(tmp_path / "mnist") and not holds_idx(tmp_path)


@pytest.mark.parametrize(("x", "y"), [("x", "y"), ("X", "y"), ("x_train", "y_train"), ("X_train", "y_train")])
def test_npz(tmp_path: Path, x: str, y: str) -> None:
    file = tmp_path / "a.npz"
    np.savez(file, **{x: IMAGES, y: np.arange(4), "other": np.ones(2)})
    found = read_npz(file)
    np.testing.assert_array_equal(found[0], IMAGES)
    np.testing.assert_array_equal(found[1], np.arange(4))
    np.savez(file, **{x: IMAGES})
    assert read_npz(file)[1] is None


def test_npz_without_x(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.arange(4))
    with pytest.raises(InputError, match="holds the arrays images, labels, and none is named x or x_train"):
        read_npz(tmp_path / "a.npz")


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('unpickled')",))


def test_npz_never_unpickles(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([Bomb(), Bomb()], object), y=np.arange(2))
    with pytest.raises(InputError, match="can't be read as .npz.*Save plain arrays"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"PK\x03\x04 broken"])
def test_broken_npz(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match="can't be read as .npz"):
        read_npz(tmp_path / "a.npz")


def test_truncated_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=(50, 9)), y=np.arange(50))
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="can't be read as .npz"):
        read_npz(tmp_path / "a.npz")
