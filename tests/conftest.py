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
# Most of the suite's time is compiling programs that run for milliseconds; both sides of a comparison are compiled
# alike. JAX_DISABLE_MOST_OPTIMIZATIONS=0 compiles as users do.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("RIDGEWAY_CACHE_DIR", str(Path(tempfile.gettempdir()) / "ridgeway-test-cache"))

import ridgeway  # noqa: F401 - asks XLA for a device a core


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
