# The two commands are `make demo` and `make test`; everything they need is installed into .venv.

PYTHON ?= python3.11
PORT ?= 3000
VENV := .venv
BIN := $(VENV)/bin
# Two at a time, a file in one process, in the order of the folders: the longest come first.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
# Two as well: one has the tests of Spark's session, the other those that start processes and wait for them.
PARITY := $(BIN)/pytest tests/parity -n 2 --dist loadgroup --no-loadscope-reorder

# Compiled once, imports take half the time, in every process.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-spark demo test test-spark soak ui bench lint lock clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 16

setup: $(VENV)/.core  ## install the core into .venv

setup-dev: $(VENV)/.dev  ## install the core and what the tests need

setup-spark: $(VENV)/.spark  ## install the core and the engine spark, which also needs Java 17

$(BIN)/uv: requirements/build.txt
	$(PYTHON) -c 'import sys; assert sys.version_info[:2] == (3, 11), "Taxiway needs Python 3.11: make PYTHON=..."'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/build.txt
	touch $@

$(VENV)/.core: $(BIN)/uv requirements/core.txt pyproject.toml
	$(BIN)/uv pip install --python $(BIN)/python --no-build-isolation --require-hashes -r requirements/core.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-build-isolation --no-deps --quiet -e .
	touch $@

$(VENV)/.dev: $(VENV)/.core requirements/dev.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-build-isolation --require-hashes -r requirements/dev.txt
	touch $@

$(VENV)/.spark: $(VENV)/.core requirements/spark.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-build-isolation --require-hashes -r requirements/spark.txt
	touch $@

demo: setup  ## land a year of real flights and materialise every table
	$(BIN)/taxiway demo

ui: setup  ## Dagster on http://localhost:3000 (PORT= for another)
	$(BIN)/taxiway ui --port $(PORT)

lint: setup-dev  ## ruff, pyright, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

test: lint  ## lint and run the suite; TAXIWAY_REQUIRE=all turns skips, as without Spark, into failures
	$(PYTEST)
	$(PARITY)

test-spark: setup-dev setup-spark  ## of the suite what holds Spark against DuckDB; needs Java 17
	$(PARITY)

soak: setup-dev  ## the suite with full counts of kills and seeds
	TAXIWAY_SOAK=1 $(PYTEST) --timeout 3600
	TAXIWAY_SOAK=1 $(PARITY) --timeout 3600

bench: setup-dev  ## measure against a plain script and write docs/benchmarks.md
	$(BIN)/taxiway bench

lock: $(BIN)/uv  ## resolve the dependencies anew
	$(BIN)/uv pip compile requirements/build.in $(LOCK) --allow-unsafe -o requirements/build.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) -o requirements/core.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra dev -c requirements/core.txt -o requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra spark -c requirements/core.txt -o requirements/spark.txt

LOCK := --upgrade --quiet --no-header --generate-hashes --no-emit-index-url --python-version 3.11

clean:  ## remove the environment; the lake stays
	rm -rf $(VENV)
