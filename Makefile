# `make` lists the targets. Two stamps say what is installed in .venv, each no older than pyproject.toml and
# .ci/constraints.txt: .core (enough for the demo) and .all (core, checks and stubs; makes .core current too).

PYTHON ?= python3
ARGS ?=
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c .ci/constraints.txt
INPUTS := pyproject.toml .ci/constraints.txt
# MicroPython's stubs for the Pico: the firmware is checked against them. Never into .venv, where they
# would shadow the standard library.
STUBS := micropython-rp2-rpi_pico-stubs
# A file's tests stay in one process, in their order; what one file shares is made once.
BOTH_CORES := -n 2 --dist loadfile
CHECKS := check-lint check-types check-firmware-types check-imports check-generated
# The checks run side by side, each printing when it is done, all of them even if one fails.
RUN_CHECKS = $(MAKE) --no-print-directory --keep-going --output-sync=target --jobs=2

.PHONY: help setup demo quick test mutants bench pictures clean unit $(CHECKS)
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z][a-z%-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | sed 's/%/NAME/' | awk -F'|' '{printf "make %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.all ## install everything into .venv

demo: $(VENV)/.core ## simulated attempts, scored; ARGS=--once runs them once and exits
	@$(BIN)/popsense demo $(ARGS)

quick: setup ## lint, types, import rows, generated files, unit tests; at most 90 s
	@$(RUN_CHECKS) $(CHECKS) unit
	@$(BIN)/python tests/benchmarks/firmware/measured.py

test: setup ## quick and everything slow
	@$(RUN_CHECKS) $(CHECKS)
	@$(BIN)/python -m pytest $(PYTEST_ARGS) $(BOTH_CORES) -m "not soak"

mutants: setup ## every fault listed in tests/mutants.toml must be noticed by its test
	@$(BIN)/python tests/mutants.py

bench-%: setup ## one benchmark: tests/benchmarks/bench_NAME.py -> build/bench/NAME.json
	@$(BIN)/python tests/benchmarks/bench_$(subst -,_,$*).py

bench: $(patsubst tests/benchmarks/bench_%.py,run-bench-%,$(sort $(wildcard tests/benchmarks/bench_*.py))) ## all benchmarks

run-bench-%:
	@$(MAKE) --no-print-directory bench-$(subst _,-,$*)

soak-%: setup ## one long random run: tests/soak/test_NAME.py with the hypothesis profile soak
	@HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -m soak --timeout=0 tests/soak/test_$(subst -,_,$*).py

pictures: setup ## draw the pictures of README.md again
	@$(BIN)/python .ci/pictures.py

clean: ## remove what was built and installed
	rm -rf $(VENV) build dist typings .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the checks, one target each -----------------------------------------------------------------------

check-lint:
	@$(BIN)/ruff check --quiet --output-format=concise && $(BIN)/ruff format --check --quiet && echo "lint and format: ok"

check-types:
	@$(BIN)/basedpyright --warnings

check-firmware-types:
	@$(BIN)/basedpyright --warnings -p .ci/pyright-firmware.json

check-imports:
	@PYTHONPATH=host:protocol $(BIN)/lint-imports --no-logo

check-generated:
	@PYTHONPATH=host:protocol $(BIN)/python -m popsense_protocol.generate --check && echo "generated files: ok"

unit:
	@$(BIN)/python -m pytest $(PYTEST_ARGS) $(BOTH_CORES) -m "not slow and not soak"

# ---- installation --------------------------------------------------------------------------------------

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: install Python 3.11 or newer, then run make again."; exit 1; }
	@$(PYTHON) .ci/create_venv.py $(VENV)

$(VENV)/.core: $(INPUTS) | $(BIN)/python
	@echo "Installing popsense into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.all: $(INPUTS) | $(BIN)/python
	@echo "Installing popsense and its checks into $(VENV) ..."
	@$(PIP) -e '.[test]'
	@rm -rf typings && $(PIP) --target typings $(STUBS)
	@touch $(VENV)/.core $@
