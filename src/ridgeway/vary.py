"""What `--vary` says."""

from __future__ import annotations

from collections.abc import Sequence

from ridgeway.errors import InputError


def parse_vary(specification: str) -> tuple[str, list[float | str]]:
    """Reads `name=0,0.25,0.5`, `name=low:high:count` (evenly spaced) or `name=low:high:count:log`.

    A hyperparameter that is a choice takes words: `normalization=none,batch`.

    Raises:
        InputError: it is of no such form, or no hyperparameter that takes words has that name.
    """
    name, found, values = specification.partition("=")
    try:
        if not (found and name and values):
            raise ValueError
        if ":" not in values:
            return name.strip(), _values(name.strip(), values.split(","))
        low, high, count, *scale = values.split(":")
        if scale not in ([], ["log"], ["lin"]) or int(count) < 1:
            raise ValueError
        if scale == ["log"]:
            from ridgeway.families.spacing import logspace

            return name.strip(), [*logspace(float(low), float(high), int(count))]
        step = (float(high) - float(low)) / max(int(count) - 1, 1)
        return name.strip(), [float(low) + step * place for place in range(int(count))]
    except InputError:
        raise
    except ValueError:
        raise InputError(
            f"--vary {specification!r} can't be read. Write name=0,0.25,0.5 or name=low:high:count or "
            "name=low:high:count:log, as in weight_decay=1e-5:1e-1:8:log."
        ) from None


def _values(name: str, given: Sequence[str]) -> list[float | str]:
    """The values as numbers, or as words where the hyperparameter takes words.

    Raises:
        InputError: there is no such hyperparameter.
        ValueError: it takes numbers, and these are none.
    """
    try:
        return [float(value) for value in given]
    except ValueError:
        # Imported here: numbers are read without the hyperparameters, which wait for Keras.
        from ridgeway.hyperparameters import hyperparameter

        if not getattr(hyperparameter(name), "choices", ()):
            raise
        return [value.strip() for value in given]


def parse_family(specifications: Sequence[str]) -> dict[str, list[float | str]]:
    """The values of all that are varied, by name.

    Raises:
        InputError: as in `parse_vary`, or a name stands there twice.
    """
    family: dict[str, list[float | str]] = {}
    for one in specifications:
        name, values = parse_vary(one)
        if name in family:
            raise InputError(f"--vary names {name} twice. Give all its values at once, as in {name}=0,0.25,0.5.")
        family[name] = values
    return family
