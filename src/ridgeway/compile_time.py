"""How long this process has compiled."""

from __future__ import annotations

import functools

import jax

# Of one program's way to the device: lowering and the compiler itself. Tracing is told of for each nested function too,
# so that its durations would count several times.
_EVENTS = ("/jax/core/compile/jaxpr_to_mlir_module_duration", "/jax/core/compile/backend_compile_duration")


class _Clock:
    seconds = 0.0

    def __call__(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event in _EVENTS:
            self.seconds += duration_secs


@functools.cache
def _clock() -> _Clock:
    clock = _Clock()
    jax.monitoring.register_event_duration_secs_listener(clock)
    return clock


def seconds_compiled() -> float:
    """Seconds that compiling took since this was first asked; differences are what counts."""
    return _clock().seconds
