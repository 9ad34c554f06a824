# Everything that is done to onionchat, by name. `make` alone lists the names.
#
#   make demo                 a private Tor network on this machine, people, a conversation
#   make run ARGS="status"    the program from this tree
#   make sim SEEDS=1000       more runs of the simulators;  make fuzz SECONDS=300;  make docs

SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made
PYTEST := $(BIN)/python -m pytest
ARGS ?=
SEEDS ?= 50
SIM_SEED ?=
SECONDS ?= 60
MESSAGES ?= 2000

# Generated pages: `module:page` runs `python -m module > page`. Add a generator here, and nowhere else.
GENERATED := \
    onionchat.api.document:docs/api.md \
    onionchat.cli.manpage:docs/onionchat.1 \
    onionchat.tui.keyspage:docs/keys.md \
    bench.page:docs/performance.md

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo run test test-fast lint types sim tor chaos bench fuzz docs clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-11s %s\n' "$$name" "$$text"; done

$(STAMP): setup.cfg pyproject.toml
	bash tools/system-packages
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "onionchat needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.13" >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --editable '.[test,dev]'
	touch $@

$(VENV)/.fuzz: $(STAMP)
	$(BIN)/pip install --quiet --editable '.[fuzz]'
	touch $@

venv: $(STAMP)  ## make .venv with all that is needed (apt for tor and a few tools, pip for the rest)

demo: $(STAMP)  ## try it: a private Tor network, people, devices, a conversation; no Internet
	$(BIN)/onionchat demo $(ARGS)

run: $(STAMP)  ## the program from this tree: make run ARGS="--profile /tmp/a status"
	$(BIN)/onionchat $(ARGS)

test: $(STAMP)  ## everything, with real tor processes
	bash tools/run-tests "$(PYTEST)" $(ARGS)

test-fast: $(STAMP)  ## without tor and the slow ones: under two minutes
	$(PYTEST) tests -q -m "not tor and not slow and not chaos" $(ARGS)

lint: $(STAMP)  ## ruff: rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## mypy --strict
	$(BIN)/mypy --strict onionchat

sim: $(STAMP)  ## the deterministic simulators: make sim SEEDS=1000; one seed again: make sim SIM_SEED=17 ARGS="-k crashes"
	ONIONCHAT_SIM_SEEDS=$(SEEDS) ONIONCHAT_SEED=$(SIM_SEED) $(PYTEST) tests/sim -q -s --timeout=0 $(ARGS)

tor: $(STAMP)  ## what needs real tor processes
	$(PYTEST) tests -m tor $(ARGS)

chaos: $(STAMP)  ## kills, cuts, full disks, on a private Tor network: make chaos MESSAGES=10000
	ONIONCHAT_CHAOS_MESSAGES=$(MESSAGES) $(PYTEST) tests -m chaos $(ARGS)

bench: $(STAMP)  ## side-by-side measurements
	$(BIN)/python -m bench $(ARGS)

fuzz: $(VENV)/.fuzz  ## every decoder: make fuzz SECONDS=300 for all together
	$(BIN)/python -m tests.fuzz.run all $(SECONDS)

docs: $(STAMP)  ## write the generated pages again
	@set -e; for pair in $(GENERATED); do page=$${pair#*:}; echo "$$page"; \
	  $(BIN)/python -m "$${pair%%:*}" > "$$page.new" || { rm -f "$$page.new"; exit 1; }; mv "$$page.new" "$$page"; done

clean:  ## remove .venv and all that was made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find onionchat tests -name __pycache__ -type d -prune -exec rm -rf {} +
