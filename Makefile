# Two commands do everything: `make demo`, `make test`. Each makes .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export KERAS_BACKEND := jax

.PHONY: setup demo test lint types bench claims clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo,images,test,dev]"
	touch $@

demo: setup
	$(BIN)/ridgeway demo

test: setup
	$(BIN)/python -m pytest -n auto

lint: setup
	$(BIN)/ruff format --check src tests benchmarks claims
	$(BIN)/ruff check src tests benchmarks claims
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

bench: setup
	$(BIN)/python benchmarks/lanes_vs_loop.py

# What the lecture claims, measured: writes docs/claims.md in a few minutes.
claims: setup
	$(BIN)/python -m claims

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
