# Every task of the project. `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
# Processes that run tests side by side, each with servers and databases of its own.
WORKERS ?= 2
# Tests that schemathesis makes of one function have one name, so processes cannot share them.
GENERATED = tests/contracts/test_schemathesis_*.py

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --quiet --quiet --no-input --disable-pip-version-check
GRAPHIQL = gateway/graphiql
FRONTENDS = tests/clients/frontends
NPM_CLIENTS = tests/clients/npm $(FRONTENDS) tests/browser/npm
PYTHON_CLIENT = .venv-qovery

# A lock names all there is, so nothing is resolved: a release made since could not get in, nor in the way.
INSTALL_LOCKED = $(PIP) install --no-deps --require-hashes
# The project itself comes from this folder alone: no index, no isolated build, no dependencies.
INSTALL_PROJECT = $(PIP) install --no-index --no-build-isolation --no-deps --editable .

PYTHON_IS_NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
NODE_IS_NEW_ENOUGH = node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null

# Environments and assets are shared between tasks, so tasks run one after the other.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help setup dev-setup graphiql clients run test lint format types contracts docker-lint \
	shell-lint lock lock-check wheel-smoke sbom audit check bench faults clean

help: ## List these tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# ---------------------------------------------------------------------------------- environments

setup: $(VENV)/.runtime ## Install the gateway into .venv, from the hashed lock
	@:

dev-setup: $(VENV)/.development ## Install the gateway and the development tools into .venv
	@:

$(VENV)/.runtime: requirements.lock requirements-build.lock pyproject.toml | $(VENV)/.python
	@echo 'Installing the gateway into $(VENV)'
	@$(INSTALL_LOCKED) -r requirements.lock -r requirements-build.lock
	@$(INSTALL_PROJECT)
	@touch $@

$(VENV)/.development: requirements-dev.lock pyproject.toml | $(VENV)/.python
	@echo 'Installing the gateway and the development tools into $(VENV)'
	@$(INSTALL_LOCKED) -r requirements-dev.lock
	@$(INSTALL_PROJECT)
	@touch $(VENV)/.runtime $@

$(VENV)/.python:
	@$(PYTHON_IS_NEW_ENOUGH) || { \
		echo 'Python 3.11 or newer is needed, and $(PYTHON) is not: make PYTHON=python3.13 ...' >&2; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# ---------------------------------------------------------------- GraphiQL, and clients for tests

graphiql: $(GRAPHIQL)/assets ## Build the GraphiQL page's assets, if Node is there
	@:

clients: $(NPM_CLIENTS:=/node_modules) $(PYTHON_CLIENT)/.installed ## Install the published clients that tests drive
	@:

# The time stamps of the two folders say when they were made.
$(GRAPHIQL)/assets: .ci/build-graphiql $(wildcard $(GRAPHIQL)/package-lock.json \
		$(GRAPHIQL)/build.mjs $(GRAPHIQL)/*.js $(GRAPHIQL)/style.css)
	@if $(NODE_IS_NEW_ENOUGH); then \
		echo 'Building the GraphiQL page'; .ci/build-graphiql && touch $@; \
	else \
		echo 'Node 20 or newer is missing: the GraphiQL page is not built, all else works.'; \
	fi

$(NPM_CLIENTS:=/node_modules): %/node_modules: %/package-lock.json
	@if $(NODE_IS_NEW_ENOUGH); then \
		echo 'Installing the JavaScript clients of $*'; \
		npm ci --loglevel=error --prefix $* && touch $@; \
	else \
		echo 'Node 20 or newer is missing: tests with the JavaScript clients of $* are skipped.'; \
	fi

# A client of 2022, which is to bring nothing into the gateway's own environment.
$(PYTHON_CLIENT)/.installed: tests/clients/pypi/requirements.lock | $(VENV)/.python
	@echo 'Installing the Python client'
	@$(BIN)/python -m venv --without-pip $(PYTHON_CLIENT)
	@$(PIP) --python $(PYTHON_CLIENT)/bin/python install --no-deps --require-hashes -r $<
	@touch $@

# ------------------------------------------------------------------------------------------- use

run: setup graphiql ## Start a gateway with example secrets; prints a token and calls to try
	@$(BIN)/secrets-gateway migrate
	@$(BIN)/secrets-gateway demo
	@exec $(BIN)/secrets-gateway serve

# ----------------------------------------------------------------------------------------- checks

# Files in their own order: sorted by how many tests they have, the few long ones would come last, one by one.
test: dev-setup graphiql clients ## Run all tests with coverage (PYTEST_ARGS="-k alias")
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore-glob='$(GENERATED)' \
		--cov --cov-report= --cov-fail-under=0 $(PYTEST_ARGS)
	@$(if $(PYTEST_ARGS),:,$(BIN)/python -m pytest $(wildcard $(GENERATED)) --cov --cov-append)

# In full they take hours: FAULT_KILLS, FAULT_CUTS, FAULT_ROUNDS and FAULT_DELETIONS make them shorter.
faults: dev-setup ## Run the fault tests alone: killed processes, power cuts, full disks, races
	@command -v strace >/dev/null || echo 'strace is missing: the power does not go off.'
	@$(BIN)/python -m pytest tests/faults $(PYTEST_ARGS)

bench: dev-setup ## Measure throughput and latency
	@$(BIN)/python -m tests.benchmarks

sbom: dev-setup ## Write what the gateway is made of to dist/sbom.json (CycloneDX)
	@$(BIN)/python .ci/supply_chain.py sbom dist/sbom.json

audit: dev-setup ## Ask for known vulnerabilities of what is shipped; fails where that cannot be done
	@$(BIN)/python .ci/supply_chain.py audit

check: lint types contracts docker-lint shell-lint lock-check wheel-smoke ## Check all that tests do not

lint: dev-setup ## Check rules and format of the Python code
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

format: dev-setup ## Repair what can be repaired: format, import order, simple rules
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

types: dev-setup ## Check types
	@$(BIN)/mypy

contracts: dev-setup ## Check that imports follow the layers
	@$(BIN)/lint-imports --no-logo

docker-lint: dev-setup ## Check the Dockerfile
	@$(BIN)/hadolint Dockerfile

shell-lint: dev-setup ## Check the shell scripts
	@shellcheck=$(BIN)/shellcheck; [ -x $$shellcheck ] || shellcheck=shellcheck; \
	if command -v $$shellcheck >/dev/null; then \
		$$shellcheck .ci/run .ci/wheel-smoke .ci/install-wheel .ci/build-graphiql; \
	else \
		echo 'shellcheck is missing: the shell scripts are not checked.'; \
	fi

lock-check: dev-setup ## Check that the locks belong to pyproject.toml and name no download host
	@$(BIN)/python .ci/locks.py check
	@$(PIP) check

wheel-smoke: dev-setup graphiql ## Build the wheel, install it elsewhere, look at what arrived
	@.ci/wheel-smoke $(BIN)/python

# ----------------------------------------------------------------------------------------- upkeep

lock: dev-setup ## Make the lock files anew after a change of pyproject.toml (UPGRADE=1: newest versions)
	@$(BIN)/python .ci/locks.py make $(if $(UPGRADE),--upgrade)

clean: ## Delete what these tasks made; ./data stays
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* test-results
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -rf $(GRAPHIQL)/assets $(GRAPHIQL)/node_modules $(NPM_CLIENTS:=/node_modules) $(PYTHON_CLIENT)
	@rm -rf $(FRONTENDS)/relay/__generated__ $(FRONTENDS)/relay/build
	@rm -rf $(FRONTENDS)/typescript/src/gql $(FRONTENDS)/typescript/src/operations.ts $(FRONTENDS)/typescript/build
	@find gateway schema tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
