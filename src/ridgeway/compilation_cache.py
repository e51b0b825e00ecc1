"""JAX's persistent compilation cache, in the user's cache directory."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

# What JAX was told by `enable`: a directory of the user's own is another.
_told: str | None = None


def directory() -> Path:
    """Where compiled programs are kept: `RIDGEWAY_CACHE_DIR`, else the system's place for caches."""
    own = os.environ.get("RIDGEWAY_CACHE_DIR")
    if own:
        return Path(own)
    try:
        if os.name == "nt":
            base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        else:
            base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    except RuntimeError:
        # Nobody's home, as of a user number without a name in a container.
        base = tempfile.gettempdir()
    return Path(base) / "ridgeway" / "jax"


def in_use() -> str:
    """Where compiled programs are kept in this process, or would be: the user's own cache, if JAX is told of one."""
    import jax

    return str(jax.config.values["jax_compilation_cache_dir"] or directory())


def prepare() -> None:
    """Turns the cache on where JAX is imported already, so that what building a model compiles is kept, too.

    Where JAX comes later, `fit_path` turns it on.
    """
    if "jax" in sys.modules and os.access(_nearest(directory()), os.W_OK):
        enable()


def _nearest(place: Path) -> Path:
    """A path, or what exists of it."""
    return next(path for path in (place, *place.parents) if path.exists())


def enable() -> None:
    """Turns the cache on, unless the user has set one of their own; a directory that has changed since is followed."""
    global _told
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    place = str(directory())
    if jax.config.values["jax_compilation_cache_dir"] not in (None, _told) or place == _told:
        return
    jax.config.update("jax_compilation_cache_dir", place)
    # Lanes' programs are few and dear, and building a model compiles many that are cheap, but half a second together.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # What compiled before now has settled that there is no cache, or another.
    compilation_cache.reset_cache()
    _told = place
