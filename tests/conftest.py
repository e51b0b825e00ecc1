"""What every test needs: Keras on JAX, and compiled programs shared between tests."""

import os
import tempfile
from pathlib import Path

# Before anything imports Keras.
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("RIDGEWAY_CACHE_DIR", str(Path(tempfile.gettempdir()) / "ridgeway-test-cache"))

import ridgeway  # noqa: F401 - asks XLA for a device a core
