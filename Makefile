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
JOBS ?= 2
ifndef SHOAL_EVIDENCE
SHOAL_EVIDENCE := $(shell cd ../shared 2>/dev/null && pwd)
endif
ifneq ($(SHOAL_EVIDENCE),)
export SHOAL_EVIDENCE
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PYTEST := $(RUN) -m pytest -q --no-header
# What the JIT-off run repeats: the kernels on small inputs, as plain Python with tracebacks.
JIT_OFF := tests/kernels tests/market/test_rng.py tests/market/test_units.py
# "$(call stage,name,command)": the command, and what it took.
stage = @echo "--- $(1)"; begin=$$SECONDS; $(2); echo "    $(1): $$((SECONDS - begin)) s"

$(VENV)/.stamp: requirements.lock pyproject.toml
	@test -n "$(PY)" || { echo "Shoal needs Python 3.12, 3.13 or 3.14 and found none that runs: install one, or name it with 'make PY=/path/to/python $(MAKECMDGOALS)'." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PY) --version) (about a minute) ..."
	@$(PY) -m venv $(VENV)
	$(call stage,packages,$(RUN) -m pip install -q --require-hashes -r requirements.lock)
	@$(RUN) -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: $(VENV)/.stamp ## the 10.11 replay over SEEDS seeds; prints where the report is
	$(call stage,demo,$(RUN) -m sim run flash_10_11_btc --seeds $(SEEDS) --force)

.PHONY: test
test: $(VENV)/.stamp ## everything fast: lint, types, import contracts, tests
	@begin=$$SECONDS; $(MAKE) --no-print-directory lint compile fast jit-off bounds; echo "make test: $$((SECONDS - begin)) s"

.PHONY: lint
lint: $(VENV)/.stamp ## ruff, mypy, import contracts
	$(call stage,ruff,$(RUN) -m ruff check .)
	$(call stage,mypy,$(RUN) -m mypy)
	$(call stage,import contracts,$(VENV)/bin/lint-imports --no-cache >.venv/contracts.txt || { cat .venv/contracts.txt; exit 1; })

.PHONY: compile
compile: $(VENV)/.stamp ## fill the kernel cache, so that the tests share it
	$(call stage,compile,$(RUN) -c "from sim.runner import warm; warm()")

.PHONY: fast
fast: $(VENV)/.stamp ## the fast tests
	$(call stage,fast tests,$(PYTEST) -n $(JOBS) --dist loadfile)

.PHONY: jit-off
jit-off: $(VENV)/.stamp ## the kernels as plain Python
	$(call stage,tests with the JIT off,NUMBA_DISABLE_JIT=1 $(PYTEST) $(JIT_OFF))

.PHONY: bounds
bounds: $(VENV)/.stamp ## the kernels with bounds checks
	$(call stage,tests with bounds checks,NUMBA_BOUNDSCHECK=1 $(PYTEST) tests/kernels)

.PHONY: test-all
test-all: test ## the fast tests, then the long ones and those that need a browser
	$(call stage,long tests,$(PYTEST) -m "long or browser" --hypothesis-profile search)

.PHONY: conformance
conformance: $(VENV)/.stamp ## run a folder of matching cases: make conformance CASES=folder
	@$(RUN) -m tests.conformance.runner "$(or $(CASES),tests/conformance/cases)"

.PHONY: bench
bench: $(VENV)/.stamp ## every performance figure beside its bar
	@$(RUN) -m tests.bench $(BENCH)

.PHONY: lock
lock: ## renew requirements.lock (needs uv)
	@command -v uv >/dev/null || { echo "Renewing the lock needs uv: pip install uv, then 'make lock' again." >&2; exit 1; }
	@uv pip compile pyproject.toml --group dev --all-extras --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.12 --quiet -o requirements.lock

.PHONY: clean
clean: ## remove the environment and the caches inside the clone
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20
