"""A run directory from a stranger runs no code, reaches no other file and takes no memory that it has no bytes for."""

import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

import ridgeway as rw
from ridgeway import limits, storage
from ridgeway.data.read import read
from ridgeway.data.tables import read_table
from ridgeway.limits import read_parquet
from ridgeway.model_files import read_model
from ridgeway.path import Path as TrainedPath
from ridgeway.tables.persistence import from_state
from ridgeway.trainings import _load_model
from run_directories import copied, record_of, sealed

EVIL = "<script>alert('planted')</script>"


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"open({str(self.mark)!r}, 'w').close()",)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that is there once code from the directory has run."""
    return tmp_path / "mark"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound run, to be spoiled."""
    return copied(tmp_path / "run")


@pytest.mark.parametrize(
    "name", ["lanes.parquet", "history.parquet", "probes.parquet", "weights.safetensors", "last_weights.safetensors"]
)
def test_a_pickle_in_the_place_of_a_file(folder: Path, mark: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(rw.InputError, match=f"'{name}' of '.*run' (was altered or torn|can't be read)"):
        rw.load_path(folder)
    with pytest.raises(rw.InputError, match=f"'{name}' of '.*run' can't be read as"):
        rw.load_path(sealed(folder))
    assert not mark.exists()


def test_pickles_inside_of_a_table(folder: Path, mark: Path) -> None:
    """Arrow's old extension type for Python objects, and pandas's note of one."""
    pickled = pickle.dumps(Bomb(mark))
    field = pa.field(
        "lane",
        pa.int64(),
        metadata={"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickled},
    )
    table = pq.read_table(folder / "lanes.parquet")
    pq.write_table(table.set_column(0, field, table.column("lane")), folder / "lanes.parquet")
    rw.load_path(sealed(folder))
    assert not mark.exists()


@pytest.mark.parametrize("name", ["model.keras", "best.keras"])
def test_a_pickle_in_the_place_of_a_model(folder: Path, mark: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(rw.InputError, match=f"Keras can't read '.*{name}'"):
        storage.load_model(sealed(folder), name)
    with pytest.raises(rw.InputError, match=f"Keras can't read the model '.*{name}'"):
        _load_model(folder / name)
    assert not mark.exists()


def test_a_lambda_layer(folder: Path, mark: Path) -> None:
    made = f"open({str(mark)!r}, 'w').close()"
    layer = keras.layers.Lambda(eval(f"lambda x: (exec({made!r}), x)[1]"), output_shape=(3,))
    model = keras.Sequential([keras.Input((3,)), layer, keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.save(folder / "model.keras")
    shutil.copy(folder / "model.keras", folder / "best.keras")
    mark.unlink(missing_ok=True)
    path = rw.load_path(sealed(folder))
    for asked in (path.best_model, lambda: storage.load_model(folder, "best.keras"), path.given_model):
        with pytest.raises(rw.InputError, match="Keras can't read .*(Lambda|lambda|unsafe)"):
            asked()
    with pytest.raises(rw.InputError, match="Keras can't read the model .*(Lambda|lambda|unsafe)"):
        _load_model(folder / "model.keras")
    with pytest.raises(ValueError, match=r"Lambda|lambda|unsafe"):
        from_state({"model_": {"ridgeway": "model", "keras": (folder / "model.keras").read_bytes()}})
    assert not mark.exists()


def repacked(file: Path, **files: bytes | str) -> None:
    """Puts other files in the place of some of a `.keras` archive's."""
    with zipfile.ZipFile(file) as archive:
        content: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    content.update({name.replace("_json", ".json"): said for name, said in files.items()})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, said in content.items():
            archive.writestr(name, said)


@pytest.mark.parametrize(
    ("module", "name"), [("builtins", "exec"), ("os", "system"), ("keras.utils", "get_file"), ("subprocess", "Popen")]
)
def test_a_model_that_names_a_function_of_python(folder: Path, mark: Path, module: str, name: str) -> None:
    config = {
        "module": module,
        "class_name": name,
        "registered_name": name,
        "config": {"name": f"touch {mark}", "args": [f"touch {mark}"]},
    }
    repacked(folder / "best.keras", config_json=json.dumps(config))
    with pytest.raises(rw.InputError, match="Keras can't read"):
        storage.load_model(sealed(folder), "best.keras")
    assert not mark.exists()


@pytest.mark.parametrize("config", ["", "[]", "null", "[" * 100_000, '{"class_name": 3}', "\x00"])
def test_a_model_of_nonsense(folder: Path, config: str) -> None:
    repacked(folder / "best.keras", config_json=config)
    with pytest.raises(rw.InputError, match="Keras can't read"):
        storage.load_model(sealed(folder), "best.keras")


@pytest.mark.parametrize("name", ["../outside.keras", "/tmp/outside.keras", "structures/../../outside.keras", "C:\\a"])
def test_models_outside_of_the_directory(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(folder / "model.keras", tmp_path / "outside.keras")
    structures = [{"arguments": {}, "file": name, "model": {}}]
    with pytest.raises(rw.InputError, match=r"names the model '.*', which is no file of its directory. Don't use"):
        rw.load_path(sealed(folder, lambda record: record.update(structures=structures)))
    path = rw.load_path(copied(folder.parent / "sound"))
    record = {**path.record, "structures": structures}
    before = (tmp_path / "outside.keras").read_bytes()
    with pytest.raises(rw.InputError, match="is no file of its directory"):
        TrainedPath(path.table(), path.history(), record, source=path.source).save(tmp_path / "copy")
    assert (tmp_path / "outside.keras").read_bytes() == before


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b", ""])
def test_checksums_of_files_outside_of_the_directory(folder: Path, name: str) -> None:
    said = json.loads((folder / "checksums.json").read_text())
    said["files"][name] = said["files"]["run.json"]
    (folder / "checksums.json").write_text(json.dumps(said))
    with pytest.raises(rw.InputError, match=r"'checksums.json' of '.*run' names '.*', which is no file of the run's"):
        rw.load_path(folder)


def test_a_zip_bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "best.keras", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("assets/zeros", bytes(100 << 20))
    assert (folder / "best.keras").stat().st_size < 300_000
    for reads in (lambda: storage.load_model(sealed(folder), "best.keras"), lambda: _load_model(folder / "best.keras")):
        with pytest.raises(rw.InputError, match=r"best.keras' has .* kB and claims to hold 104.9 MB, as no sound file"):
            reads()
    with pytest.raises(rw.InputError, match="claims to hold"):
        from_state({"model_": {"ridgeway": "model", "keras": (folder / "best.keras").read_bytes()}})
    # What compresses well and is small is no bomb.
    repacked(folder / "model.keras")
    assert read_model(folder / "model.keras").count_params() == 26


def shapeless(file: Path, shape: tuple[int, ...], **how: object) -> None:
    """Puts weights of which nothing is stored into a model."""
    with zipfile.ZipFile(file) as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content, "r+") as weights:
        weights["layers/dense/vars"].pop("0")
        weights["layers/dense/vars"].create_dataset("0", shape=shape, dtype="float32", **how)
    with zipfile.ZipFile(file) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, said in {**kept, "model.weights.h5": content.getvalue()}.items():
            archive.writestr(name, said)


@pytest.mark.parametrize("how", [{"chunks": (10, 5000), "compression": "gzip"}, {}], ids=["chunks", "contiguous"])
def test_weights_of_which_nothing_is_stored(folder: Path, how: dict[str, object]) -> None:
    for name in ("best.keras", "model.keras"):
        shapeless(folder / name, (1000, 500_000), **how)
        assert (folder / name).stat().st_size < 50_000
        with pytest.raises(rw.InputError, match=rf"{name}' has .* and claims to hold 2.0 GB, as no sound file does"):
            storage.load_model(sealed(folder), name)
    with pytest.raises(rw.InputError, match="claims to hold"):
        _load_model(folder / "best.keras")


def test_weights_in_another_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(48))
    shapeless(folder / "best.keras", (3, 4), external=[(str(tmp_path / "secret"), 0, 48)])
    with pytest.raises(rw.InputError, match="The weights 'layers/dense/vars/0' of .* stand in another file"):
        storage.load_model(sealed(folder), "best.keras")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.large_binary()], ids=str)
@pytest.mark.parametrize("coded", [True, False], ids=["dictionary", "compressed"])
def test_a_text_that_stands_in_a_table_once(folder: Path, kind: pa.DataType, coded: bool) -> None:
    """Six kilobytes that pandas would make three gigabytes of."""
    long, rows = ("x" * 2_000_000, 400) if coded else ("x" * 100_000, 4000)
    table = pq.read_table(folder / "history.parquet")
    table = pa.concat_tables([table] * (rows // len(table) + 1)).slice(0, rows)
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([long], kind))
    table = table.append_column("note", texts if coded else texts.cast(kind))
    pq.write_table(table, folder / "history.parquet", use_dictionary=["note"] if coded else False, compression="zstd")
    assert (folder / "history.parquet").stat().st_size < 200_000
    with pytest.raises(
        rw.InputError, match=r"history.parquet' has .* and claims to hold [48]0\d\.\d MB, as no sound file"
    ):
        rw.load_path(sealed(folder))
    if coded and kind == pa.large_string():
        # In whole it would not fit where this reads it.
        assert "claims to hold" in limited("run", folder)


def test_texts_of_a_table_stay_what_they_were(folder: Path) -> None:
    for name in ("lanes.parquet", "history.parquet", "probes.parquet"):
        pd.testing.assert_frame_equal(read_parquet(folder / name).to_pandas(), pd.read_parquet(folder / name))


ROWS = 77
# The variable-length integer of Thrift, zigzag: what 77 and 10^9 rows look like in the footer of a Parquet file.
SAID, CLAIMED = b"\x16\x9a\x01", b"\x16\x80\xa8\xd6\xb9\x07"


def claiming(file: Path) -> None:
    """Makes a Parquet file claim 10^9 rows, in whole and in each column."""
    frame = pd.DataFrame({"lane": range(ROWS), "epoch": range(ROWS), "val_nll": np.linspace(0, 1, ROWS)})
    frame.to_parquet(file)
    content = file.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    start = len(content) - 8 - size
    footer = content[start:-8].replace(SAID, CLAIMED)
    file.write_bytes(content[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    assert pq.read_metadata(file).num_rows == 10**9 and file.stat().st_size < 10_000


# Reads under a limit of half a gigabyte beyond what the imports took.
LIMITED = """
import re, resource, sys
from pathlib import Path
import keras, pandas, pyarrow.parquet
import ridgeway as rw
from ridgeway.storage import load_path
from ridgeway.data.read import read
from ridgeway.data.tables import read_table
rw.Path
size = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 29),) * 2)
try:
    {"run": load_path, "data": read, "table": read_table}[sys.argv[1]](Path(sys.argv[2]))
except rw.InputError as error:
    print(error)
"""


def limited(kind: str, file: Path) -> str:
    """What is said of a file where there is no memory for what it claims."""
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    done = subprocess.run([sys.executable, "-c", LIMITED, kind, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["lanes.parquet", "history.parquet", "probes.parquet"])
def test_a_table_that_claims_a_billion_rows(folder: Path, name: str) -> None:
    claiming(folder / name)
    with pytest.raises(rw.InputError, match=rf"{name}' has .* kB and claims to hold 24.0 GB, as no sound file does"):
        rw.load_path(sealed(folder))


def test_no_memory_is_taken_for_what_a_table_claims(folder: Path) -> None:
    claiming(folder / "lanes.parquet")
    assert "claims to hold 24.0 GB, as no sound file does" in limited("run", sealed(folder))


def test_weights_that_claim_a_billion_rows(folder: Path) -> None:
    arrays = load_file(folder / "weights.safetensors")
    save_file(arrays, folder / "weights.safetensors", {"blocks": json.dumps([{"lanes": [0], "names": list(arrays)}])})
    content = (folder / "weights.safetensors").read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    for name, about in header.items():
        if name != "__metadata__":
            about["shape"][0] = 10**9
    said = json.dumps(header).encode()
    (folder / "weights.safetensors").write_bytes(len(said).to_bytes(8, "little") + said + content[8 + size :])
    assert "'weights.safetensors' of" in (answer := limited("run", sealed(folder))) and "can't be read as" in answer


@pytest.mark.parametrize(
    "metadata",
    [
        {"blocks": "["},
        {"blocks": "3"},
        {"blocks": "[3]"},
        {"blocks": '[{"lanes": [0], "names": ["elsewhere"]}]'},
        {"blocks": "[" * 100_000},
        {"order": "{"},
    ],
)
def test_weights_whose_notes_are_nonsense(folder: Path, metadata: dict[str, str]) -> None:
    save_file(load_file(folder / "weights.safetensors"), folder / "weights.safetensors", metadata)
    with pytest.raises(rw.InputError, match="'weights.safetensors' of '.*run' can't be read as weights"):
        rw.load_path(sealed(folder))


@pytest.mark.parametrize("content", ["[" * 100_000, "[1]", "3", '"', "\xff", '{"schema": 1}', "{}"])
def test_a_record_of_nonsense(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content, "latin-1")
    with pytest.raises(rw.InputError, match="run"):
        rw.load_path(folder)


def npz(file: Path, header: dict[str, object], content: bytes) -> Path:
    """An archive of one array `x`, with a header of one's own."""
    said = repr(header).ljust(118).encode() + b"\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said + content)
    return file


def test_an_array_that_claims_a_billion_rows(tmp_path: Path) -> None:
    file = npz(tmp_path / "x.npz", {"descr": "<f8", "fortran_order": False, "shape": (10**9, 2)}, bytes(48))
    with pytest.raises(rw.InputError, match=r"x.npz' has 48 bytes of data for an array of the shape \(1000000000, 2\)"):
        read(file)
    assert "has 48 bytes of data for an array of the shape" in limited("data", file)
    pickled = npz(tmp_path / "o.npz", {"descr": "|O", "fortran_order": False, "shape": (10**9,)}, b"")
    with pytest.raises(rw.InputError, match="can't be read as .npz"):
        read(pickled)


def test_a_table_of_the_users_own_that_claims_a_billion_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claiming(tmp_path / "a.parquet")
    monkeypatch.setattr(limits, "memory", lambda: SimpleNamespace(total=8 * 10**9))
    with pytest.raises(rw.InputError, match=r"a.parquet' holds 24.0 GB, more than the 8.0 GB of this machine's memory"):
        read_table(tmp_path / "a.parquet")


def test_arrays_that_unpack_to_more_than_there_is_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip
    import struct

    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((100_000, 20)), y=np.zeros(100_000))
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 2000, 50, 100) + bytes(10**7))
    )
    monkeypatch.setattr(limits, "memory", lambda: SimpleNamespace(total=9 * 10**6))
    for name in ("a.npz", "a-idx3-ubyte.gz"):
        with pytest.raises(rw.InputError, match=rf"{name}' holds 1.\.. MB, more than the 9.0 MB of this machine's"):
            read(tmp_path / name)


@pytest.mark.parametrize("kind", ["pickle", "objects", "npy", "labels"])
def test_training_data_that_is_pickled(tmp_path: Path, mark: Path, kind: str) -> None:
    """By the command, as a user would pass it."""
    objects = np.array([Bomb(mark), Bomb(mark)], object)
    file = tmp_path / "x.npz"
    if kind == "pickle":
        file.write_bytes(pickle.dumps(Bomb(mark)))
    elif kind == "npy":
        with file.open("wb") as stream:
            np.save(stream, np.zeros((4, 2)))
    else:
        x, y = (objects, np.arange(2)) if kind == "objects" else (np.zeros((2, 2)), objects)
        np.savez(file, x=x, y=y)
    done = subprocess.run(
        [sys.executable, "-m", "ridgeway.cli", "fit", "x.npz", "--out", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 2 and done.stderr.startswith("Error: 'x.npz' can't be read as .npz"), done.stderr
    assert "Save plain arrays by numpy.savez." in done.stderr
    assert not mark.exists() and not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_html_in_names_labels_and_notes(folder: Path, tmp_path: Path, lang: str) -> None:
    """Whatever a table or a record says lands in the report as text."""
    for name in ("lanes.parquet", "history.parquet"):
        frame = pd.read_parquet(folder / name).rename(columns={"dropout": EVIL, "val_accuracy": f"val_{EVIL}"})
        if name == "lanes.parquet":
            frame["weight_decay"] = [EVIL, EVIL, "b<img src=x onerror=alert(1)>", "b<img src=x onerror=alert(1)>"]
            frame["stopped"] = EVIL
        frame.to_parquet(folder / name)

    def spoil(record: dict[str, object]) -> None:
        about = record["hyperparameters"]
        values = [EVIL, "b<img src=x onerror=alert(1)>"]
        assert isinstance(about, dict) and isinstance(record["model"], dict)
        record["hyperparameters"] = {
            "weight_decay": {**about["weight_decay"], "values": values, "order": values, "base": EVIL},
            EVIL: about["dropout"],
        }
        record["model"].update(name=EVIL, loss=EVIL, metrics=[EVIL], optimizer=EVIL)
        record["model"]["layers"] = [{"name": EVIL, "class": EVIL, "config_line": EVIL}]
        record["extra"] = {"task": EVIL, "target": EVIL, "classes": [EVIL, EVIL], "note": EVIL}
        record.update(callbacks=[EVIL], device=EVIL, created=EVIL, versions={EVIL: EVIL}, probes=[EVIL])

    path = rw.load_path(sealed(folder, spoil))
    path.report(tmp_path / "report.html", lang=lang)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;alert" in page
    # Plotly's own, ours, and none with a source; figures are data.
    assert len(re.findall(r"<script(?! type=\"application/json\")[^>]*>", page.split("<footer>")[1])) >= 2
    assert not re.search(r"<script[^>]*src=", page.split("<footer>")[0])
    assert record_of(folder)["extra"]["note"] == EVIL
