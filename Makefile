# make demo | make test: the only two commands a new clone needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first interpreter that runs and is a Python 3.12 to 3.14 (a pyenv shim may exist and not run).
PY ?= $(shell for p in python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; raise SystemExit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
RUN := $(VENV)/bin/python
SEEDS ?= 8
SHOAL_EVIDENCE ?= $(wildcard ../shared)
export SHOAL_EVIDENCE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

$(VENV)/.stamp: requirements.lock pyproject.toml
	@test -n "$(PY)" || { echo "Shoal needs Python 3.12, 3.13 or 3.14 and found none that runs: install one, or name it with 'make PY=/path/to/python $(MAKECMDGOALS)'."; exit 1; }
	@echo "Setting up $(VENV) with $$($(PY) --version) (about a minute) ..."
	@$(PY) -m venv $(VENV)
	@$(RUN) -m pip install -q --require-hashes -r requirements.lock
	@$(RUN) -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: $(VENV)/.stamp ## the 10.11 replay over SEEDS seeds; prints where the report is
	@time $(RUN) -m sim run flash_10_11_btc --seeds $(SEEDS) --force

.PHONY: test
test: $(VENV)/.stamp ## lint, types, import contracts and the fast tests
	@time $(MAKE) --no-print-directory lint
	@echo "--- fast tests"; time $(RUN) -m pytest -q
	@echo "--- without the JIT"; time NUMBA_DISABLE_JIT=1 $(RUN) -m pytest -q tests/kernels/test_handles.py tests/kernels/test_streams.py
	@echo "--- with bounds checks"; time NUMBA_BOUNDSCHECK=1 $(RUN) -m pytest -q tests/kernels

.PHONY: lint
lint: $(VENV)/.stamp ## ruff, mypy, import contracts
	@echo "--- lint"; $(RUN) -m ruff check . && $(RUN) -m mypy && $(VENV)/bin/lint-imports

.PHONY: test-all
test-all: test ## the fast tests, then the long ones and those that need Chromium
	@echo "--- long tests"; time $(RUN) -m pytest -q -m "long or browser"

.PHONY: conformance
conformance: $(VENV)/.stamp ## run a folder of matching cases: make conformance CASES=folder
	@$(RUN) -m tests.conformance.runner $(or $(CASES),tests/conformance/cases)

.PHONY: bench
bench: $(VENV)/.stamp ## every performance figure beside its bar
	@$(RUN) -m tests.bench $(BENCH)

.PHONY: lock
lock: ## renew requirements.lock (needs uv)
	@uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.12 -o requirements.lock

.PHONY: clean
clean: ## remove the environment and the caches inside the clone
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20
