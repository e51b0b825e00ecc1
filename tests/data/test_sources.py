"""Each kind of source gives the rows that arrays would give, in the order that is documented."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

import ridgeway as rw
from ridgeway.data import Dataset, Reading, Slice, Stream, ahead, check_dataset, is_streamed, leaves, open_source
from ridgeway.data.sources import row_order
from ridgeway.data.sources.arrays import ArraySource
from ridgeway.streaming import at_hand, inputs_in_pieces

FLOATS = np.dtype("float32")
ROWS = 103
random = np.random.default_rng(0)
X = random.normal(size=(ROWS, 3)).astype("float32")
Y = random.integers(0, 4, ROWS)
WEIGHT = random.uniform(0.5, 2, ROWS).astype("float32")
NAMES = ["a", "b", "c", "label", "weight"]
TABLE = pa.Table.from_arrays([*map(pa.array, X.T), pa.array(Y), pa.array(WEIGHT)], names=NAMES)


class Batches(keras.utils.PyDataset):
    def __init__(self, size=10, **keywords):
        super().__init__(**keywords)
        self.size, self.epochs = size, 0

    def __len__(self):
        return -(-ROWS // self.size)

    def __getitem__(self, place):
        rows = slice(place * self.size, (place + 1) * self.size)
        return X[rows], Y[rows], WEIGHT[rows]

    def on_epoch_end(self):
        self.epochs += 1


class Records:
    """What a `grain.MapDataset` is seen as."""

    __module__ = "grain.fake"

    def __len__(self):
        return ROWS

    def __getitem__(self, place):
        return X[place], Y[place], WEIGHT[place]


def npy(folder):
    for name, array in (("x", X.astype("float64")), ("y", Y), ("w", WEIGHT)):
        np.save(folder / f"{name}.npy", array)
    return folder / "x.npy", str(folder / "y.npy"), folder / "w.npy"


def npz(folder):
    np.savez(folder / "rows.npz", x=X, y=Y)
    return str(folder / "rows.npz"), None, WEIGHT


def memmap(folder):
    return np.load(npy(folder)[0], mmap_mode="r"), Y, WEIGHT


def parquet(folder):
    pq.write_table(TABLE, folder / "rows.parquet", row_group_size=9)
    return folder / "rows.parquet", "label", "weight"


def parquet_folder(folder):
    for place, start in enumerate((0, 40, 90)):
        part = TABLE.slice(start, (40, 50, 13)[place])
        pq.write_table(part, folder / f"part-{place}.parquet", row_group_size=16)
    return folder, "label", "weight"


def csv(folder):
    TABLE.to_pandas().to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv", "label", "weight"


def tsv(folder):
    TABLE.to_pandas().to_csv(folder / "rows.tsv", index=False, sep="\t")
    return folder / "rows.tsv", "label", "weight"


def filtered(folder):
    double = pa.concat_tables([TABLE, TABLE]).append_column("part", pa.array([0] * ROWS + [1] * ROWS))
    pq.write_table(double, folder / "rows.parquet", row_group_size=50)
    dataset = pads.dataset(folder / "rows.parquet").filter(pads.field("part") == 1)
    # A column that tells the rows apart must not become a feature.
    return dataset, "label", "weight"


def feather(folder):
    pads.write_dataset(TABLE, folder, format="feather")
    return pads.dataset(folder, format="feather"), "label", "weight"


def in_memory_table(folder):
    return pads.dataset(TABLE), "label", "weight"


KINDS = [npy, npz, memmap, parquet, parquet_folder, csv, tsv, feather, in_memory_table]


def rows_of(source, reading, number=0, batch_size=10, **keywords):
    """All rows of a pass, and the sizes of its chunks."""
    stream = Stream(source, batch_size, reading, **keywords)
    parts, sizes = ([], [], []), []
    for chunk in stream.chunks(number):
        sizes.append((chunk.steps, leaves(chunk.data[0])[0][1].shape[1]))
        for part, array in zip(parts, chunk.data, strict=True):
            if array is not None:
                part.append(array[: chunk.steps].reshape(-1, *array.shape[2:]))
    return [np.concatenate(part) if part else None for part in parts], sizes


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_rows_in_their_order(kind, tmp_path):
    given = kind(tmp_path)
    assert is_streamed(given[0])
    source = open_source(*given, FLOATS)
    assert source.rows == ROWS
    (x, y, weight), sizes = rows_of(source, Reading(50))
    assert sizes == [(10, 10), (1, 3)]
    np.testing.assert_allclose(x, X, rtol=1e-6)
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_allclose(weight, WEIGHT, rtol=1e-6)
    assert (x.dtype, y.dtype, weight.dtype) == (np.float32, np.int64, np.float32)
    assert source.checked


@pytest.mark.parametrize("kind", [npy, parquet, csv])
@pytest.mark.parametrize("number", [0, 3])
def test_shuffled_rows_come_in_the_documented_order(kind, number, tmp_path):
    source = Slice(open_source(*kind(tmp_path), FLOATS), 5, 101)
    reading = Reading(40, seed=7)
    order = row_order(source, reading, number)
    assert sorted(order) == list(range(96))
    assert not np.array_equal(order, row_order(source, reading, number + 1))
    (x, y, _), _ = rows_of(source, reading, number)
    np.testing.assert_allclose(x, X[5:101][order], rtol=1e-6)
    np.testing.assert_array_equal(y, Y[5:101][order])


def test_a_window_mixes_rows_of_sixteen_blocks():
    source = ArraySource(Dataset(np.arange(1600), np.arange(1600)), FLOATS)
    order = row_order(source, Reading(160, seed=0), 0).reshape(10, 160)
    blocks = [np.unique(window // 10) for window in order]
    assert {len(found) for found in blocks} == {16}
    assert np.array_equal(np.sort(np.concatenate(blocks)), np.arange(160))


def test_a_filter_of_a_dataset_is_kept(tmp_path):
    source = open_source(*filtered(tmp_path), FLOATS)
    (x, y, _), _ = rows_of(source, Reading(50))
    assert source.rows == ROWS
    np.testing.assert_allclose(x, np.column_stack([X, np.ones(ROWS)]), rtol=1e-6)
    np.testing.assert_array_equal(y, Y)


def test_records_are_rows():
    source = open_source(Records(), None, None, FLOATS)
    (x, y, weight), _ = rows_of(source, Reading(30, seed=1), number=2)
    order = row_order(source, Reading(30, seed=1), 2)
    np.testing.assert_array_equal(x, X[order])
    np.testing.assert_array_equal(y, Y[order])
    np.testing.assert_array_equal(weight, WEIGHT[order])


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_come_as_they_are_made(workers):
    batches = Batches(workers=workers)
    source = open_source(batches, None, None, FLOATS)
    assert (source.batch_size, source.rows) == (10, ROWS)
    (x, y, _), sizes = rows_of(source, Reading(1))
    np.testing.assert_array_equal(x, X)
    assert sizes == [(10, 10), (1, 3)]
    assert batches.epochs == 1
    (x, _, _), sizes = rows_of(source, Reading(1, seed=3), number=1)
    order = np.arange(11)
    np.random.default_rng([3, 1]).shuffle(order)
    np.testing.assert_array_equal(x, np.concatenate([X[place * 10 : place * 10 + 10] for place in order]))
    assert (1, 3) in sizes


def test_several_inputs_of_which_one_is_mapped(tmp_path):
    second = random.integers(0, 255, (ROWS, 2, 2)).astype("uint8")
    np.save(tmp_path / "second.npy", second)
    x = {"table": X, "image": np.load(tmp_path / "second.npy", mmap_mode="r")}
    assert is_streamed(x)
    assert not is_streamed({"table": X})
    assert not is_streamed([[1.0, 2.0]] * 3)
    source = open_source(x, Y, None, FLOATS)
    chunk = next(Stream(source, 10, Reading(200)).chunks(0))
    assert chunk.data[0]["image"].dtype == np.uint8
    np.testing.assert_array_equal(chunk.data[0]["image"][:10].reshape(-1, 2, 2), second[:100])


def test_mapped_pages_are_given_back(tmp_path):
    """Else a file's pages would count as this process's memory, and a private copy's writes must not be undone."""
    np.save(tmp_path / "x.npy", np.ones((50, 2), "float32"))
    private = np.load(tmp_path / "x.npy", mmap_mode="c")
    private[7] = 5.0
    source = open_source(private, np.zeros(50, int), None, FLOATS)
    for _ in range(2):
        (x, _, _), _ = rows_of(source, Reading(16))
        assert x[7].tolist() == [5.0, 5.0]


def test_class_weights_are_put_on():
    source = ArraySource(Dataset(X, Y), FLOATS)
    (_, y, weight), _ = rows_of(source, Reading(50, seed=1), class_weight={1: 3.0, 2: 0.5})
    np.testing.assert_array_equal(weight, np.array([1, 3, 0.5, 1], "float32")[y])


def test_time_is_measured_on_full_batches_alone():
    stream = Stream(ArraySource(Dataset(X, Y), FLOATS), 10, Reading(20, seed=1))
    chunks = list(stream.beginning(4))
    assert [chunk.steps for chunk in chunks] == [4]
    np.testing.assert_array_equal(chunks[0].data[0][:4].reshape(40, 3), X[:40])


def test_rows_that_are_wrong_are_named_where_they_stand(tmp_path):
    x = X.copy()
    x[71, 1] = np.nan
    source = Slice(ArraySource(Dataset(x, Y), FLOATS, "'x.npy'"), 3, ROWS)
    with pytest.raises(rw.InputError, match=r"Rows 67 to 70|Rows 71 to 74|Rows \d+ to \d+ of 'x.npy', counted from"):
        rows_of(source, Reading(64), check=check_dataset)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ("missing.npy", None, "There is no file or folder"),
        ("rows.txt", None, "is of no kind that can be streamed"),
        ("x.npy", None, "y is None, and '.*x.npy' holds no labels"),
        ("x.npy", "label", "'label' is no .npy file"),
        ("x.npy", np.zeros(5, int), "x of '.*x.npy' has 103 rows and y has 5"),
        ("compressed.npz", None, "is compressed, and its rows can't be read"),
        ("other.npz", None, "holds the arrays z, and none is named x"),
        ("broken.npy", Y, "can't be read as .npy"),
        ("broken.npz", None, "can't be read as .npz"),
        ("broken.parquet", "label", "can't be read"),
        ("rows.parquet", "labl", "y='labl' is no column of .*The nearest are label"),
        ("rows.parquet", Y, "is a table, and y is ndarray. Pass a column's name"),
        ("text.csv", "label", "Column 'colour' of .* holds string, and rows that are streamed must be numbers"),
        ("gap.csv", "label", "Column 'a' of .* has 1 missing cells in rows 0 to 2"),
        ("gap.parquet", "label", "Column 'label' of .* has 1 missing cells in rows 0 to 2"),
        ("only.csv", "label", "has no column beside 'label'"),
    ],
)
def test_what_can_not_be_streamed_is_refused(x, y, said, tmp_path):
    npy(tmp_path)
    parquet(tmp_path)
    np.savez_compressed(tmp_path / "compressed.npz", x=X, y=Y)
    np.savez(tmp_path / "other.npz", z=X)
    for name in ("broken.npy", "broken.npz", "broken.parquet", "rows.txt"):
        (tmp_path / name).write_text("nothing")
    (tmp_path / "text.csv").write_text("a,colour,label\n1,red,0\n2,blue,1\n")
    (tmp_path / "gap.csv").write_text("a,label\n1,0\n,1\n3,1\n")
    (tmp_path / "only.csv").write_text("label\n1\n0\n")
    pq.write_table(pa.table({"a": [1.0, 2.0, 3.0], "label": [0, None, 1]}), tmp_path / "gap.parquet")
    with pytest.raises(rw.InputError, match=said):
        rows_of(open_source(tmp_path / x, y, None, FLOATS), Reading(50))


def test_sources_with_labels_take_no_others():
    for x in (Batches(), Records()):
        with pytest.raises(rw.InputError, match="gives labels and weights itself"):
            open_source(x, Y, None, FLOATS)


def test_batches_without_an_end_are_refused():
    class Endless(Batches):
        @property
        def num_batches(self):
            return None

    with pytest.raises(rw.InputError, match="The Endless has no end: num_batches is None"):
        open_source(Endless(), None, None, FLOATS)


def test_large_row_groups_are_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr("ridgeway.data.sources.tables._LARGE", 100)
    with pytest.warns(UserWarning, match="A row group of .* has 9 rows"):
        open_source(*parquet(tmp_path), FLOATS)


def test_a_whole_number_column_may_have_fractions_further_down(tmp_path):
    rows = ["a,label", *("1,0" for _ in range(400_000)), "0.5,1"]
    (tmp_path / "late.csv").write_text("\n".join(rows) + "\n")
    source = open_source(tmp_path / "late.csv", "label", None, FLOATS)
    assert source.block(source.rows - 1, source.rows).x.tolist() == [[0.5]]


def counting(upto, made):
    try:
        for number in range(upto):
            made.append(number)
            yield number
    finally:
        made.append("closed")


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


def test_items_are_made_ahead_and_no_more_than_asked():
    made = []
    items = ahead(counting(10, made), 2)
    assert next(items) == 0
    wait_for(lambda: made == [0, 1, 2])
    time.sleep(0.02)
    assert made == [0, 1, 2]
    assert list(items) == list(range(1, 10))
    assert made[-1] == "closed"


def test_closing_ends_the_thread():
    made = []
    before = threading.active_count()
    items = ahead(counting(10, made), 1)
    next(items)
    items.close()
    assert made[-1] == "closed"
    assert threading.active_count() == before


def test_an_error_is_raised_where_its_item_is_asked_for():
    def broken():
        yield 1
        raise rw.InputError("no more")

    items = ahead(broken(), 3)
    assert next(items) == 1
    with pytest.raises(rw.InputError, match="no more"):
        next(items)


def test_files_to_predict_evaluate_and_choose_by(tmp_path: Path) -> None:
    """What is read from a file is what the same rows give from memory."""
    x = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    frame = pd.DataFrame(x, columns=list("abcd"))
    frame.to_parquet(tmp_path / "inputs.parquet", row_group_size=20)
    frame.assign(label=y).to_parquet(tmp_path / "rows.parquet", row_group_size=20)
    frame.assign(label=y).to_csv(tmp_path / "rows.csv", index=False)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    path = rw.fit_path(model, x, y, rw.Grid(weight_decay=[0.0, 0.1]), epochs=2, validation_split=0.2)
    whole = path.predict(x)
    for given, label in (
        (tmp_path / "x.npy", None),
        (f"file://{tmp_path}/x.npy", None),
        (np.load(tmp_path / "x.npy", mmap_mode="r"), None),
        (tmp_path / "inputs.parquet", None),
        (tmp_path / "rows.parquet", "label"),
        (str(tmp_path / "rows.csv"), "label"),
    ):
        np.testing.assert_allclose(path.predict(given, label=label), whole, rtol=1e-6)
    for inputs, labels in ((tmp_path / "x.npy", tmp_path / "y.npy"), (tmp_path / "rows.parquet", "label")):
        pd.testing.assert_frame_equal(path.evaluate(inputs, labels), path.evaluate(x, y))
        assert path.select_ensemble(2, x=inputs, y=labels).members == path.select_ensemble(2, x=x, y=y).members
    with pytest.raises(rw.InputError, match="y is None"):
        path.evaluate(tmp_path / "x.npy", None)
    with pytest.raises(rw.InputError, match="no column of"):
        path.predict(tmp_path / "rows.parquet", label="nothing")


def test_files_that_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ridgeway.streaming.WINDOW_BYTES", 16)
    np.save(tmp_path / "x.npy", np.arange(7.0).reshape(7, 1))
    found = [piece.ravel().tolist() for piece in inputs_in_pieces(str(tmp_path / "x.npy"), None, 3)]
    assert found == [[0, 1, 2], [3, 4, 5], [6]]


def test_rows_that_do_not_fit_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "x.npy", np.zeros((9, 4), np.float32))
    monkeypatch.setattr("ridgeway.streaming.memory", lambda: SimpleNamespace(free=100))
    with pytest.raises(rw.InputError, match="x.npy' holds .* bytes, more than the 100 bytes of memory that are free"):
        at_hand(Dataset(tmp_path / "x.npy", np.zeros(9, np.int32)), None)
