"""JAX's persistent compilation cache, in the user's cache directory."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# JAX's own names for where its cache is and what goes into it. Lanes' programs are few and dear, and building a model
# compiles many that are cheap, but half a second together: all of them are kept.
_PLACE = "JAX_COMPILATION_CACHE_DIR"
_KEPT = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": 0.0, "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": -1}
# What ridgeway has set there: a process that inherits it has no cache of the user's own.
_OURS = "RIDGEWAY_SET_CACHE_DIR"


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
    import jax

    return str(jax.config.values[_PLACE.lower()] or directory())


def prepare() -> None:
    """Turns the cache on for whatever is compiled from now on, so that building the model gains by it, too.

    Where JAX has not started it is told by its environment variables, which processes begun by this one inherit.
    """
    if "jax" in sys.modules:
        enable()
    elif os.environ.get(_PLACE) == os.environ.get(_OURS):
        os.environ[_PLACE] = os.environ[_OURS] = str(directory())
        for name, value in _KEPT.items():
            os.environ.setdefault(name, str(value))


def enable() -> None:
    """Turns the cache on, unless the user has set one of their own."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    if jax.config.values[_PLACE.lower()] is not None:
        return
    jax.config.update(_PLACE.lower(), str(directory()))
    for name, value in _KEPT.items():
        jax.config.update(name.lower(), value)
    # What compiled before now has settled that there is no cache.
    compilation_cache.reset_cache()
