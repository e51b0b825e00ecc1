"""What every test needs: Keras on JAX, and compiled programs shared between tests."""

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before anything imports Keras.
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("RIDGEWAY_CACHE_DIR", str(Path(tempfile.gettempdir()) / "ridgeway-test-cache"))

import ridgeway  # noqa: F401 - asks XLA for a device a core

#: Modules that take minutes: they come first, so that no worker is left alone with one at the end.
LONG = ("test_cluster", "test_lessons_browser", "test_resume", "test_ensemble", "test_runs_browser", "test_cli")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A module's tests stay in one worker: what it trains or compiles for all of them is made once."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(autouse=True, scope="module")
def forgotten() -> Iterator[None]:
    """What a module's tests compiled goes with them: with gigabytes of it everything takes several times as long."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session(free_memory=False)
    gc.collect()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
