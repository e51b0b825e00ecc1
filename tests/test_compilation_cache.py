"""Where compiled programs are kept, and since when."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_BUILT = """
import keras
keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
import jax
print(jax.config.jax_compilation_cache_dir)
"""


def run(source: str, **given: str) -> str:
    """What a process of its own prints, in an environment without a cache of anybody's."""
    environment = {name: value for name, value in os.environ.items() if "CACHE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", source], env=environment | given, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("first", ["", "import keras"])
def test_building_a_model_is_kept_whichever_is_imported_first(tmp_path: Path, first: str) -> None:
    told = run(f"{first}\nimport ridgeway\n{_BUILT}", RIDGEWAY_CACHE_DIR=str(tmp_path / "kept"))
    assert told == str(tmp_path / "kept")
    assert any("uniform" in file.name for file in (tmp_path / "kept").iterdir())


def test_a_cache_of_the_users_own_stays(tmp_path: Path) -> None:
    own = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "own"), "RIDGEWAY_CACHE_DIR": str(tmp_path / "kept")}
    assert run(f"import ridgeway\n{_BUILT}", **own) == own["JAX_COMPILATION_CACHE_DIR"]
    assert run(f"import keras, ridgeway\n{_BUILT}", **own) == own["JAX_COMPILATION_CACHE_DIR"]
    assert not (tmp_path / "kept").exists()


def test_what_a_process_inherits_is_not_the_users_own(tmp_path: Path) -> None:
    child = f"import ridgeway\n{_BUILT}"
    source = (
        "import ridgeway, os, subprocess, sys\n"
        f"os.environ['RIDGEWAY_CACHE_DIR'] = {str(tmp_path / 'other')!r}\n"
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    )
    assert run(source, RIDGEWAY_CACHE_DIR=str(tmp_path / "kept")) == str(tmp_path / "other")
    assert not (tmp_path / "kept").exists()


def test_it_costs_no_import_of_jax() -> None:
    assert run("import ridgeway, sys; print('jax' in sys.modules)") == "False"
