"""Rows on shared storage, read by their address."""

from pathlib import Path

import fsspec
import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ridgeway as rw
from ridgeway.data.sources.remote import RemoteNpy
from ridgeway.errors import InputError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32)


@pytest.fixture
def addresses(tmp_path: Path) -> dict[str, str]:
    """The rows as files on an object store: fsspec's own, which knows no seeks and no folders."""
    memory = fsspec.filesystem("memory")
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
        memory.pipe_file(f"/bucket/{name}.npy", (tmp_path / f"{name}.npy").read_bytes())
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(label=Y)
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=20)
    memory.pipe_file("/bucket/rows.parquet", (tmp_path / "rows.parquet").read_bytes())
    return {
        "memory": "memory://bucket/",
        "file": f"file://{tmp_path}/",
        "plain": f"{tmp_path}/",
    }


def network() -> keras.Model:
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize("where", ["memory", "file"])
@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_rows_by_address_train_as_those_of_a_file(where: str, kind: str, addresses: dict[str, str]) -> None:
    def trained(at: str) -> rw.Path:
        x, y = (f"{at}x.npy", f"{at}y.npy") if kind == "npy" else (f"{at}rows.parquet", "label")
        family = rw.Grid(weight_decay=[0.0, 0.1])
        return rw.fit_path(network(), x, y, family, epochs=2, validation_split=0.2, slots=2, executor="vmap")

    local, remote = trained(addresses["plain"]), trained(addresses[where])
    pd.testing.assert_frame_equal(local.history(), remote.history())


@settings(deadline=None)
@given(start=st.integers(-100, 100), stop=st.integers(-100, 100))
def test_rows_are_those_of_the_array(start: int, stop: int) -> None:
    memory = fsspec.filesystem("memory")
    with memory.open("/bucket/some.npy", "wb") as file:
        np.save(file, X)
    remote = RemoteNpy("memory://bucket/some.npy")
    assert len(remote) == 90 and remote.shape == X.shape and remote.dtype == X.dtype
    np.testing.assert_array_equal(remote[start:stop], X[start:stop])


def test_what_cannot_be_read_is_said(addresses: dict[str, str]) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/bucket/bad.npy", b"no array")
    with memory.open("/bucket/objects.npy", "wb") as file:
        np.save(file, np.array([{}], object), allow_pickle=True)
    with memory.open("/bucket/columns.npy", "wb") as file:
        np.save(file, np.asfortranarray(X))
    for name, message in (
        ("bad.npy", "can't be read as .npy"),
        ("none.npy", "can't be read as .npy"),
        ("objects.npy", "holds Python objects"),
        ("columns.npy", "laid out by columns"),
        ("rows.csv", "no kind that can be read in place"),
    ):
        with pytest.raises(InputError, match=message):
            rw.fit_path(network(), f"memory://bucket/{name}", Y, rw.Grid(weight_decay=[0.0]))
    with pytest.raises(InputError, match="nowhere.*Install what reads it"):
        rw.fit_path(network(), "nowhere://bucket/x.npy", Y, rw.Grid(weight_decay=[0.0]))
    with pytest.raises(InputError, match="is no .npy file"):
        rw.fit_path(network(), "memory://bucket/x.npy", "memory://bucket/y.txt", rw.Grid(weight_decay=[0.0]))


@pytest.mark.parametrize("where", ["memory", "file"])
def test_a_file_that_is_cut_off(where: str, addresses: dict[str, str], tmp_path: Path) -> None:
    content = (tmp_path / "x.npy").read_bytes()[:-700]
    (tmp_path / "cut.npy").write_bytes(content)
    fsspec.filesystem("memory").pipe_file("/bucket/cut.npy", content)
    with pytest.raises(
        InputError, match=r"cut.npy' is cut off: its header claims an array of the shape \(90, 3\), 1208"
    ):
        rw.fit_path(network(), f"{addresses[where]}cut.npy", Y, rw.Grid(weight_decay=[0.0]), validation_split=0.2)


def test_a_file_that_is_cut_off_while_it_is_read(addresses: dict[str, str], tmp_path: Path) -> None:
    array = RemoteNpy(f"{addresses['memory']}x.npy")
    fsspec.filesystem("memory").pipe_file("/bucket/x.npy", (tmp_path / "x.npy").read_bytes()[:-700])
    assert (array[:10] == X[:10]).all()
    with pytest.raises(InputError, match="Rows 80 to 89 of .*x.npy' came with .* bytes in place of 120"):
        array[80:90]


# botocore asks for python-dateutil below 3, and constraints.txt has 4: they are in no extra.
_S3 = "{} is not installed: pip install s3fs 'moto[server]' in an environment without constraints.txt"


# Of these packages, and of threads that end with the process.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("kind", ["npy", "parquet"])
def test_rows_on_s3(kind: str, addresses: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a real server of Amazon's interface on this machine."""
    s3fs = pytest.importorskip("s3fs", reason=_S3.format("s3fs"))
    server = pytest.importorskip("moto.server", reason=_S3.format("moto[server]")).ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        access = {"key": "a", "secret": "b", "endpoint_url": f"http://{host}:{port}"}
        monkeypatch.setitem(fsspec.config.conf, "s3", access)
        store = s3fs.S3FileSystem(**access)
        # The server keeps what it has for as long as the process lasts.
        bucket = f"rows-{kind}"
        store.mkdir(bucket)
        for name in ("x.npy", "y.npy", "rows.parquet"):
            store.pipe_file(f"{bucket}/{name}", (tmp_path / name).read_bytes())

        def trained(at: str) -> rw.Path:
            x, y = (f"{at}x.npy", f"{at}y.npy") if kind == "npy" else (f"{at}rows.parquet", "label")
            family = rw.Grid(weight_decay=[0.0, 0.1])
            return rw.fit_path(network(), x, y, family, epochs=2, validation_split=0.2, slots=2, executor="vmap")

        pd.testing.assert_frame_equal(trained(addresses["plain"]).history(), trained(f"s3://{bucket}/").history())
        with pytest.raises(InputError, match="none.npy' can't be read as .npy"):
            RemoteNpy(f"s3://{bucket}/none.npy")
    finally:
        server.stop()
