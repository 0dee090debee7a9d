# Every task of the project. `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
# Processes that run tests side by side, each with servers and databases of its own.
WORKERS ?= 2
# Tests that schemathesis makes of one function have one name, so processes cannot share them.
GENERATED = tests/contracts/test_schemathesis_*.py
SPREAD = $(BIN)/python -m pytest -p no:schemathesis -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	--ignore-glob='$(GENERATED)'
# What depends most on the interpreter, and on the SQLite that it brings.
STORAGE_TESTS = tests/unit $(wildcard tests/contracts/test_constraints*.py) tests/contracts/test_migrations.py \
	tests/contracts/test_catalog.py tests/operating/test_storage_down.py tests/operating/test_wal.py

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --quiet --quiet --no-input --disable-pip-version-check
GRAPHIQL = gateway/pages/npm
FRONTENDS = tests/clients/frontends
NPM_CLIENTS = tests/clients/npm $(FRONTENDS) tests/browser/npm
PYTHON_CLIENT = .venv-qovery
# `make bench` installs these itself, where it can.
PEERS = tests/benchmarks/peers/mercurius/node_modules .venv-openbao

# A lock names all there is, so nothing is resolved: a release made since could not get in, nor in the way.
INSTALL_LOCKED = $(PIP) install --no-deps --require-hashes
# The project itself comes from this folder alone: no index, no isolated build, no dependencies.
INSTALL_PROJECT = $(PIP) install --no-index --no-build-isolation --no-deps --editable .

NPM_IS_THERE = command -v npm >/dev/null \
	&& node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
# Says which step is running, and how long it took.
STEP = @.ci/step

# Tests start hundreds of processes, which would compile the gateway each time.
unexport PYTHONDONTWRITEBYTECODE

# Environments and assets are shared between tasks, so tasks run one after the other.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help setup dev-setup graphiql clients run test test-storage lint format types contracts docker-lint \
	shell-lint lock lock-check wheel-smoke sbom audit check rules bench references faults clean

help: ## List these tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# ---------------------------------------------------------------------------------- environments

setup: $(VENV)/.runtime ## Install the gateway into .venv, from the hashed lock
	@:

dev-setup: $(VENV)/.development ## Install the gateway and the development tools into .venv
	@:

$(VENV)/.runtime: requirements.lock requirements-build.lock pyproject.toml | $(VENV)/.python
	$(STEP) 'Installing the packages that the gateway needs, about a minute' \
		$(INSTALL_LOCKED) -r requirements.lock -r requirements-build.lock
	$(STEP) 'Installing the gateway' $(INSTALL_PROJECT)
	@touch $@

$(VENV)/.development: requirements-dev.lock pyproject.toml | $(VENV)/.python
	$(STEP) 'Installing the packages and the development tools, one or two minutes' \
		$(INSTALL_LOCKED) -r requirements-dev.lock
	$(STEP) 'Installing the gateway' $(INSTALL_PROJECT)
	@touch $(VENV)/.runtime $@

$(VENV)/.python:
	@.ci/needs $(PYTHON)
	$(STEP) 'Creating the Python environment $(VENV)' $(PYTHON) -m venv $(VENV)
	@touch $@

# ---------------------------------------------------------------- GraphiQL, and clients for tests

graphiql: $(GRAPHIQL)/assets ## Build the GraphiQL page's assets, if Node is there
	@:

clients: $(NPM_CLIENTS:=/node_modules) $(PYTHON_CLIENT)/.installed ## Install the published clients that tests drive
	@:

# The time stamps of the two folders say when they were made.
$(GRAPHIQL)/assets: .ci/build-graphiql $(wildcard $(GRAPHIQL)/package-lock.json $(GRAPHIQL)/build.mjs)
	@if $(NPM_IS_THERE); then \
		.ci/step 'Building the GraphiQL page, half a minute' .ci/build-graphiql && touch $@; \
	else \
		echo 'npm with Node 20 or newer is missing: the GraphiQL page is not built, all else works.'; \
	fi

$(NPM_CLIENTS:=/node_modules): %/node_modules: %/package-lock.json
	@if $(NPM_IS_THERE); then \
		.ci/step 'Installing the JavaScript packages of $*' \
			sh -c 'npm ci --loglevel=error --prefix $* >/dev/null' && touch $@; \
	else \
		echo 'npm with Node 20 or newer is missing: tests with the JavaScript packages of $* are skipped.'; \
	fi

# A client of 2022, which is to bring nothing into the gateway's own environment.
$(PYTHON_CLIENT)/.installed: tests/clients/pypi/requirements.lock | $(VENV)/.python
	@$(BIN)/python -m venv --without-pip $(PYTHON_CLIENT)
	$(STEP) 'Installing the Python client' \
		$(PIP) --python $(PYTHON_CLIENT)/bin/python install --no-deps --require-hashes -r $<
	@touch $@

# ------------------------------------------------------------------------------------------- use

run: setup graphiql ## Start a gateway with example secrets; prints a token and calls to try
	$(STEP) 'Preparing the database' $(BIN)/secrets-gateway migrate
	@echo 'Making the example secrets, and a token for them'
	@$(BIN)/secrets-gateway demo --check-address
	@exec $(BIN)/secrets-gateway serve

# ----------------------------------------------------------------------------------------- checks

# Files in their own order: sorted by how many tests they have, the few long ones would come last, one by one.
# The generated ones run beside the others, in one process. What they print comes at the end, also when others failed.
test: dev-setup graphiql clients ## Run all tests with coverage, or some without (PYTEST_ARGS="-k alias")
	@$(if $(PYTEST_ARGS),$(SPREAD) $(PYTEST_ARGS),failed=0; \
	said=$$(mktemp); $(BIN)/python -m pytest $(wildcard $(GENERATED)) >"$$said" 2>&1 & \
	trap "kill $$!" INT TERM; \
	$(SPREAD) --cov --cov-report= --cov-fail-under=0 || failed=$$?; \
	wait $$! || failed=$$?; cat "$$said"; rm "$$said"; \
	$(BIN)/python -m coverage report || failed=$$?; \
	exit $$failed)

# With another Python: make PYTHON=python3.13 VENV=.venv-3.13 test-storage
test-storage: dev-setup ## Run the tests of storage and units alone, without coverage
	@$(BIN)/python -m pytest -n $(WORKERS) $(STORAGE_TESTS) $(PYTEST_ARGS)

# In full they take hours: FAULT_KILLS, FAULT_CUTS, FAULT_ROUNDS and FAULT_DELETIONS make them shorter.
faults: dev-setup ## Run the fault tests alone: killed processes, power cuts, full disks, races
	@command -v strace >/dev/null || echo 'strace is missing: the power does not go off.'
	@$(BIN)/python -m pytest tests/faults $(PYTEST_ARGS)

references: dev-setup ## Compare references of 10,000 random hierarchies with a full resolution
	@REFERENCE_HIERARCHIES=10000 GATEWAY_HIERARCHIES=200 $(BIN)/python -m pytest \
		tests/machine/test_reference_graph.py tests/machine/test_reference_queries.py \
		--timeout 7200 $(PYTEST_ARGS)

rules: dev-setup ## List which documented rule is shown by which tests
	@$(BIN)/python -m tests.contracts.rules

# BENCH_ONLY=W1,W2, BENCH_SECONDS, BENCH_ROUNDS, BENCH_WARM_UP and BENCH_SECRETS: see docs/performance.md.
bench: dev-setup ## Measure the gateway and its peers, a quarter of an hour; prints a report
	@$(BIN)/python -m tests.benchmarks

sbom: dev-setup ## Write what the gateway is made of to dist/sbom.json (CycloneDX)
	@$(BIN)/python .ci/supply_chain.py sbom dist/sbom.json

audit: dev-setup ## Ask for known vulnerabilities of what is shipped; fails where that cannot be done
	@$(BIN)/python .ci/supply_chain.py audit

check: lint types contracts docker-lint shell-lint lock-check wheel-smoke ## Check all that tests do not

lint: dev-setup ## Check rules and format of the Python code, and that nothing built is committed
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@! git ls-files --cached --ignored --exclude-standard | sed 's/$$/: committed, and in .gitignore/' | grep .

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
		$$shellcheck .ci/run .ci/wheel-smoke .ci/install-wheel .ci/build-graphiql .ci/needs .ci/step; \
	else \
		echo 'shellcheck is missing: the shell scripts are not checked.'; \
	fi

lock-check: dev-setup ## Check that the locks belong to pyproject.toml and name no download host
	@$(BIN)/python .ci/locks.py check
	@$(PIP) check

wheel-smoke: dev-setup graphiql ## Build the wheel, install it elsewhere, look at what arrived
	@.ci/wheel-smoke $(BIN)/python

# ----------------------------------------------------------------------------------------- upkeep

lock: dev-setup ## Update the lock files after a change of pyproject.toml (UPGRADE=1: newest versions)
	@$(BIN)/python .ci/locks.py make $(if $(UPGRADE),--upgrade)

clean: ## Delete what these tasks made; ./data stays
	@rm -rf $(VENV) .venv-3.* build dist htmlcov .coverage .coverage.* test-results
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -rf $(GRAPHIQL)/assets $(GRAPHIQL)/node_modules $(NPM_CLIENTS:=/node_modules) $(PYTHON_CLIENT) $(PEERS)
	@rm -rf $(FRONTENDS)/relay/__generated__ $(FRONTENDS)/relay/build
	@rm -rf $(FRONTENDS)/typescript/src/gql $(FRONTENDS)/typescript/src/operations.ts $(FRONTENDS)/typescript/build
	@find gateway schema tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
