# `make` lists what can be made. Needs Python 3.11+, nothing else; after the first `make setup` it works offline.
# Overridable: PYTHON=/path/to/python3  VENV=.venv  PORT=8400  ARGS="..." (passed on to the program that a target runs)

VENV ?= .venv
PORT ?= 8400
ARGS ?=
BIN := $(VENV)/bin
PACK := packs/vocal-coaching
CHROMIUM ?= $(firstword $(foreach name,chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable,$(shell command -v $(name) 2>/dev/null)))
export CHROMIUM

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check bench soak docs lock

help: ## list the targets
	@echo "make demo   is the place to start. All targets:"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name what; do printf '%-14s %s\n' "$$name" "$$what"; done

setup: ## install what the project needs into .venv; quick when nothing changed
	@PYTHON='$(PYTHON)' VENV='$(VENV)' tools/setup.sh

demo: setup ## run the sample school with web chat and console [PORT=8400]; Ctrl-C ends it
	@exec $(BIN)/caseward demo --port $(PORT) $(ARGS)

serve: setup ## run the desk for real; see docs/settings.md [ARGS="--workers 2"]
	@exec $(BIN)/caseward serve $(ARGS)

test: setup ## run the tests; those in a browser too when a Chromium is found [ARGS="tests/unit -k gate"]
	@tools/test.sh $(BIN) $(ARGS)

check: setup ## format, lint, types, who leans on whom, copies, docs in step, the sample pack
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --strict src tools
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tools.copies src tools
	$(BIN)/python -m tools.gen_docs --check
	$(BIN)/caseward check $(PACK)

bench: setup ## measure the desk: turns, gate, triage, memory, start [ARGS="--quick"]
	@$(BIN)/python -m bench $(ARGS)

soak: setup ## run the long rounds: kills, fuzz, load, every slip of every pack
	@$(BIN)/python -m pytest -m soak --timeout 0 $(ARGS)
	@$(BIN)/python -m pytest -m 'not soak' --hypothesis-profile many --timeout 0 tests/property tests/contract/web/test_ops.py

docs: setup ## write docs/reference and the table of settings anew from the code
	@$(BIN)/python -m tools.gen_docs

lock: ## pin the newest packages that pyproject.toml asks for, with hashes [UPGRADE=1]
	@PYTHON='$(PYTHON)' UPGRADE='$(UPGRADE)' tools/lock.sh
