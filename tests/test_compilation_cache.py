"""Where compiled programs are kept, and since when."""

import os
import subprocess
import sys
from pathlib import Path

_BUILT = """
keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
import jax
print(jax.config.jax_compilation_cache_dir)
"""


def run(source: str, **given: str | None) -> str:
    """What a process of its own prints, in an environment without a cache of anybody's."""
    environment = {name: value for name, value in os.environ.items() if "CACHE" not in name}
    environment = {name: value for name, value in (environment | given).items() if value is not None}
    done = subprocess.run([sys.executable, "-c", source], env=environment, capture_output=True, text=True, check=True)
    assert "persistent compilation cache" not in done.stderr, done.stderr
    return done.stdout.strip()


def test_what_building_a_model_compiles_is_kept(tmp_path: Path) -> None:
    assert run(f"import keras, ridgeway\n{_BUILT}", RIDGEWAY_CACHE_DIR=str(tmp_path / "kept")) == str(tmp_path / "kept")
    assert any("uniform" in file.name for file in (tmp_path / "kept").iterdir())


def test_a_cache_of_the_users_own_stays(tmp_path: Path) -> None:
    own = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "own"), "RIDGEWAY_CACHE_DIR": str(tmp_path / "kept")}
    enabled = f"import keras, ridgeway\nfrom ridgeway.compilation_cache import enable\nenable()\n{_BUILT}"
    assert run(enabled, **own) == own["JAX_COMPILATION_CACHE_DIR"]
    assert not (tmp_path / "kept").exists()


def test_a_directory_that_is_set_after_the_import_is_followed(tmp_path: Path) -> None:
    source = (
        "import keras, os, ridgeway\n"
        f"os.environ['RIDGEWAY_CACHE_DIR'] = {str(tmp_path / 'other')!r}\n"
        "from ridgeway.compilation_cache import enable, in_use\nenable()\nprint(in_use())\n" + _BUILT
    )
    assert run(source, RIDGEWAY_CACHE_DIR=str(tmp_path / "kept")).split() == [str(tmp_path / "other")] * 2
    assert list((tmp_path / "other").iterdir()) and not list((tmp_path / "kept").glob("*uniform*"))


def test_a_place_that_can_not_be_written_is_left_alone(tmp_path: Path) -> None:
    source = f"import os, keras; os.access = lambda *_: False\nimport ridgeway\n{_BUILT}"
    assert run(source, RIDGEWAY_CACHE_DIR=str(tmp_path / "kept")) == "None"


def test_a_user_without_a_home_has_a_cache_among_temporary_files(tmp_path: Path) -> None:
    source = (
        "from pathlib import Path\n"
        "def nobody(): raise RuntimeError('Could not determine home directory.')\n"
        "Path.home = nobody\n"
        "from ridgeway.compilation_cache import directory\nprint(directory())"
    )
    told = run(source, TMPDIR=str(tmp_path), XDG_CACHE_HOME=None, LOCALAPPDATA=None)
    assert told == str(tmp_path / "ridgeway" / "jax")


def test_it_costs_no_import_of_jax() -> None:
    assert run("import ridgeway, sys; print('jax' in sys.modules)") == "False"
