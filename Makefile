# The two commands are `make demo` and `make test`; everything they need is installed into .venv.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# The distributions: the platform, and the reference project on it.
PROJECTS := platform assets
# Two at a time, in the order of the folders: the longest come first. tests/conftest.py says what stays together.
PYTEST := $(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder

# Compiled once, imports take half the time, in every process.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-spark setup-postgres setup-staging setup-plots oauth2-proxy demo
.PHONY: test test-spark test-interpreters soak ui bench
.PHONY: lint audit lock wheel example clean
.PHONY: staging staging-status staging-stop production production-status production-stop

help:  ## what there is
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/make \1\t\2/' | expand -t 24

setup: $(VENV)/.core  ## install the core into .venv

setup-dev: $(VENV)/.dev  ## install the core and what the tests need

setup-spark: $(VENV)/.spark  ## install the core and the engine spark, which also needs Java 17

setup-postgres: $(VENV)/.postgres  ## install the core and the driver of PostgreSQL, for sources and sinks

setup-staging: $(VENV)/.staging  ## install the core and what a deployment with servers needs, beside Debian's packages

setup-plots: $(VENV)/.plots  ## install the core and what draws the plots of taxiway bench scale

oauth2-proxy: $(VENV)/.core  ## what a deployment's log-in by OpenID Connect needs; Go builds it, in some minutes
	GOBIN=$(CURDIR)/$(BIN) go install github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6

$(BIN)/uv: requirements/build.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), "Python 3.11 to 3.13: make PYTHON=..."'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements/build.txt
	touch $@

$(VENV)/.core: $(BIN)/uv requirements/core.txt $(PROJECTS:%=%/pyproject.toml)
	$(BIN)/uv pip install --python $(BIN)/python --no-build-isolation --require-hashes -r requirements/core.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-build-isolation --no-deps --quiet $(PROJECTS:%=-e ./%)
	touch $@

EXTRAS := dev spark postgres staging plots
$(EXTRAS:%=$(VENV)/.%): $(VENV)/.%: $(VENV)/.core requirements/%.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-build-isolation --require-hashes -r requirements/$*.txt
	touch $@

demo: setup  ## land a year of real flights and materialise every table
	$(BIN)/taxiway demo

ui: setup  ## Dagster on http://localhost:3000 (PORT= for another)
	$(BIN)/taxiway ui --port $(or $(PORT),3000)

staging: setup-staging  ## start all servers of a staging on this machine (PORT= for another first port than 8443)
staging-status:  ## whether each of its processes runs
staging-stop:  ## end it; what it keeps stays
production: setup-staging  ## as staging, beside it, with production-status and production-stop

staging production:
	$(BIN)/taxiway deployment start $@ $(if $(PORT),--port $(PORT))

staging-status production-status:
	$(BIN)/taxiway deployment status $(@:-status=)

staging-stop production-stop:
	$(BIN)/taxiway deployment stop $(@:-stop=)

lint: setup-dev  ## ruff, pyright, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

test: lint  ## lint and run the suite; TAXIWAY_REQUIRE=all turns skips, as without Spark, into failures
	$(PYTEST)

test-spark: setup-dev setup-spark  ## of the suite what holds Spark against DuckDB; needs Java 17
	$(PYTEST) tests/parity

test-interpreters: $(BIN)/uv  ## unit tests on the oldest and the newest Python that is here (TESTS= for others)
	.ci/interpreters $(or $(TESTS),tests/unit --ignore tests/unit/flights) -q

soak: setup-dev  ## the suite with full counts of kills and seeds
	TAXIWAY_SOAK=1 $(PYTEST) --timeout 3600

bench: setup-dev  ## measure against a plain script and write docs/benchmarks.md
	$(BIN)/taxiway bench

# In an environment of its own: what it needs is no part of Taxiway.
$(VENV)/audit: $(BIN)/uv requirements/audit.txt
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $@
	$(BIN)/uv pip install --quiet --python $@/bin/python --require-hashes -r requirements/audit.txt
	touch $@

audit: $(VENV)/audit  ## look up what is locked among known holes; fails where that cannot be done
	$(BIN)/python .ci/audit.py $(VENV)/audit/bin/pip-audit $(wildcard requirements/*.txt)

wheel: $(BIN)/uv  ## build both distributions, taxiway and taxiway-flights, into dist/
	for project in $(PROJECTS); do \
		$(BIN)/uv build --wheel --no-build-isolation --python $(BIN)/python --quiet --out-dir dist $$project || exit 1; \
	done

example: $(BIN)/uv  ## put the wheel of taxiway where examples/bikes installs it from
	rm -rf examples/bikes/wheels
	$(BIN)/uv build --wheel --no-build-isolation --python $(BIN)/python --quiet --out-dir examples/bikes/wheels platform

lock: $(BIN)/uv  ## resolve the dependencies anew, for every Python that Taxiway runs on
	$(LOCK) requirements/build.in --allow-unsafe -o requirements/build.txt
	$(LOCK) requirements/audit.in -o requirements/audit.txt
	$(LOCK) requirements/airflow.in -o requirements/airflow.txt
	$(LOCK) $(PROJECTS:%=%/pyproject.toml) -o requirements/core.txt
	$(LOCK) $(PROJECTS:%=%/pyproject.toml) --group dev -c requirements/core.txt -o requirements/dev.txt
	for extra in $(filter-out dev,$(EXTRAS)); do \
		$(LOCK) platform/pyproject.toml --extra $$extra -c requirements/core.txt -o requirements/$$extra.txt || exit 1; \
	done
	$(LOCK) --no-annotate platform/pyproject.toml -c requirements/core.txt -o $(NEW)/requirements/core.txt.template
	mkdir -p build/new
	sed 's/%%version/0.1.0/; s/%%name/new/' $(NEW)/pyproject.toml.template > build/new/pyproject.toml
	$(LOCK) --no-annotate --group build/new/pyproject.toml:dev -c requirements/dev.txt \
		-o $(NEW)/requirements/dev.txt.template

# A new project begins with what is locked here.
NEW := platform/taxiway/scaffold/template

# What is in this repository is not locked. UPGRADE= keeps the versions that are locked now.
UPGRADE := --upgrade
LOCK := $(BIN)/uv pip compile $(UPGRADE) --quiet --no-header --generate-hashes --no-emit-index-url --universal \
	--python-version 3.11 --no-emit-package taxiway

clean:  ## remove the environment; the lake stays
	rm -rf $(VENV)
