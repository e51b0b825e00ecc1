"""JAX's persistent compilation cache, in the user's cache directory."""

from __future__ import annotations

import os
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache


def directory() -> Path:
    """Where compiled programs are kept: `RIDGEWAY_CACHE_DIR`, else the system's place for caches."""
    own = os.environ.get("RIDGEWAY_CACHE_DIR")
    if own:
        return Path(own)
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "ridgeway" / "jax"


def in_use() -> str:
    """Where compiled programs are kept in this process, or would be: the user's own cache, if JAX is told of one."""
    return str(jax.config.values["jax_compilation_cache_dir"] or directory())


def enable() -> None:
    """Turns the cache on, unless the user has set one of their own."""
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    jax.config.update("jax_compilation_cache_dir", str(directory()))
    # Lanes' programs are few and dear: keep all of them.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # What compiled before now has settled that there is no cache.
    compilation_cache.reset_cache()
