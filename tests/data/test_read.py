"""From a file to x and y."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ridgeway.data.encoders import TableEncoding
from ridgeway.data.read import read, read_features
from ridgeway.errors import InputError


def write_csv(file: Path, **columns: object) -> Path:
    pd.DataFrame(columns).to_csv(file, index=False)
    return file


def test_a_table_of_classes(tmp_path: Path) -> None:
    source = read(write_csv(tmp_path / "a.csv", n=[1, 2, 3], c=["u", "v", "u"], y=["no", "yes", "no"]), "y")
    assert source.task == "classification" and source.classes == ["no", "yes"] and source.target == "y"
    np.testing.assert_array_equal(source.y, [0, 1, 0])
    np.testing.assert_array_equal(source.x, [[1, 1, 0], [2, 0, 1], [3, 1, 0]])


def test_a_table_of_values(tmp_path: Path) -> None:
    source = read(write_csv(tmp_path / "a.csv", n=[1, 2, 3], y=[0.5, 1.5, 2.0]), "y")
    assert source.task == "regression" and source.classes == []
    assert source.y is not None and source.y.dtype == np.float32


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (np.arange(100) % 3, "classification"),
        (np.arange(100) % 3 * 1.0, "classification"),
        (np.arange(100), "regression"),
        (np.arange(100) % 3 + 0.5, "regression"),
        (np.array(["a", "b"] * 50), "classification"),
        (np.array([True, False] * 50), "classification"),
    ],
)
def test_the_task_is_told_from_the_labels(tmp_path: Path, labels: np.ndarray, task: str) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((100, 2)), y=labels)
    assert read(tmp_path / "a.npz").task == task


def test_the_task_can_be_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)), y=np.array([[1], [5], [1], [5]]))
    assert read(tmp_path / "a.npz", task="regression").task == "regression"
    source = read(tmp_path / "a.npz")
    assert source.classes == [1, 5] and source.y is not None and source.y.tolist() == [0, 1, 0, 1]


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_idx(tmp_path: Path) -> None:
    images = np.arange(16, dtype=np.uint8).reshape(4, 2, 2)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([3, 5, 3, 5], np.uint8))))
    for path in (tmp_path, tmp_path / "t10k-images-idx3-ubyte.gz"):
        source = read(path)
        np.testing.assert_array_equal(source.x, images)
        assert source.classes == [3, 5]


def test_images(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for name, shade in (("cat", 10), ("dog", 200)):
        (tmp_path / name).mkdir()
        image.fromarray(np.full((4, 3), shade, np.uint8)).save(tmp_path / name / "1.png")
    source = read(tmp_path)
    assert source.classes == ["cat", "dog"] and source.x.shape == (2, 4, 3)


@pytest.mark.parametrize(
    ("columns", "target", "task", "said"),
    [
        ({"n": [1], "y": [1]}, None, None, "is a table: say which column to predict, as in --target 'y'.*n, y"),
        ({"n": [1], "price": [1]}, "prce", None, "Unknown target column 'prce'.*price"),
        ({"n": [1, 2], "y": ["a", "b"]}, "y", "regression", "labels are text such as 'a'"),
        ({"n": [1, 2], "y": [1, 2]}, "y", "guess", "Unknown task 'guess'"),
        ({"n": [1, 2], "y": ["a", "a"]}, "y", None, "All labels are 'a'"),
        ({"n": [1, None], "y": ["a", "b"]}, "y", None, "Column 'n' .* has 1 cells"),
        ({"n": [1, 2, 3], "y": ["a", None, "b"]}, "y", None, "Column 'y' .* has 1 cells"),
    ],
)
def test_unsound_tables(
    tmp_path: Path, columns: dict[str, object], target: str | None, task: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(write_csv(tmp_path / "a.csv", **columns), target, task)


def test_unsound_paths(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file or folder '.*nowhere.csv'"):
        read(tmp_path / "nowhere.csv", "y")
    (tmp_path / "a.docx").write_text("?")
    with pytest.raises(InputError, match="a.docx' is of no kind that ridgeway reads"):
        read(tmp_path / "a.docx")
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)))
    with pytest.raises(InputError, match="a.npz' has no labels"):
        read(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)), y=np.ones((4, 2)))
    with pytest.raises(InputError, match=r"labels have the shape \(4, 2\)"):
        read(tmp_path / "a.npz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no class folders with images"):
        read(tmp_path / "empty")


def test_a_target_belongs_to_a_table(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)), y=np.arange(4) % 2)
    with pytest.raises(InputError, match="a.npz' is no table and has no column 'y'. Leave --target out"):
        read(tmp_path / "a.npz", "y")


def test_lengths_that_differ(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)), y=np.array([0, 1, 0]))
    with pytest.raises(InputError, match="x has 4 rows and y has 3"):
        read(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x=np.ones((0, 2)), y=np.ones(0))
    with pytest.raises(InputError, match="x is empty"):
        read(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x=np.full((2, 2), "red"), y=np.arange(2))
    with pytest.raises(InputError, match="x holds .* such as .*red.* wants numbers"):
        read(tmp_path / "a.npz")


def test_features_to_predict_on(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "a.csv", n=[1, 2], c=["u", "v"], y=["no", None], note=[None, None])
    encoding = TableEncoding(("n", "c"), {"c": ("u", "v")})
    np.testing.assert_array_equal(read_features(file, encoding), [[1, 1, 0], [2, 0, 1]])
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)))
    np.testing.assert_array_equal(read_features(tmp_path / "a.npz", None), np.ones((4, 2)))
    with pytest.raises(InputError, match="is a table, and the model was trained on arrays"):
        read_features(file, None)
    with pytest.raises(InputError, match="is no table, and the model was trained on one"):
        read_features(tmp_path / "a.npz", encoding)
    with pytest.raises(InputError, match="There is no file"):
        read_features(tmp_path / "b.csv", encoding)


def test_coding_and_the_order_of_categoricals(tmp_path: Path) -> None:
    size = pd.Categorical(["big", "small", "big", "tiny"], ["tiny", "small", "big"])
    grade = pd.Categorical(["low", "high"] * 2, ["low", "middle", "high"])
    pd.DataFrame({"size": size, "grade": grade}).to_parquet(tmp_path / "a.parquet")
    source = read(tmp_path / "a.parquet", "grade", coding="dummy", unknown="ignore")
    np.testing.assert_array_equal(source.x, [[0, 1], [1, 0], [0, 1], [0, 0]])
    assert source.classes == ["low", "high"] and source.y is not None and source.y.tolist() == [0, 1, 0, 1]
    new = write_csv(tmp_path / "new.csv", size=["small", "huge"])
    noted: list[dict[str, int]] = []
    np.testing.assert_array_equal(read_features(new, source.encoding, noted.append), [[1, 0], [0, 0]])
    assert noted == [{"size": 1}]


def test_coding_of_what_is_no_table(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((4, 2)), y=np.arange(4) % 2)
    with pytest.raises(InputError, match="is no table and has no text columns to code"):
        read(tmp_path / "a.npz", coding="dummy")
