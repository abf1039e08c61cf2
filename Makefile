# Kindling: everything a fresh machine needs is git, make and Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
ARGS ?=
PROFILE ?= dev

.DEFAULT_GOAL := help
.PHONY: help demo up reset test nightly mutants lint types validate check hooks openapi doctor secrets deploy picture

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /make \1	/' | expand -t 16

demo: $(VENV)/local ## start the local cloud and walk through the main job (ARGS=--exit ends there)
	@$(BIN)/kindling local demo $(ARGS)

up: $(VENV)/local ## start the local cloud and serve until Ctrl-C
	@$(BIN)/kindling local up $(ARGS)

reset: $(VENV)/local ## stop the local cloud and forget all its state
	@$(BIN)/kindling local reset

test: $(VENV)/dev ## run every test, those that need the local cloud last
	$(BIN)/pytest -n auto --dist loadgroup -m "not system"
	$(BIN)/pytest -rfEs -n auto --dist loadgroup -m system

nightly: $(VENV)/dev ## the generated matrices and the gate's decisions whole, of which 'make test' runs a sample
	$(BIN)/pytest -n auto --dist loadgroup --whole -m "not system"
	$(BIN)/pytest --whole -m system tests/system/test_document.py tests/system/test_gate.py tests/system/test_many_accounts.py

mutants: $(VENV)/dev ## edit lines that matter, one at a time, and see the tests fail (ARGS=WORD tries some)
	$(BIN)/python -m tests.mutants.run $(ARGS)

lint: $(VENV)/dev ## check style and the order of the floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

types: $(VENV)/dev ## check types
	$(BIN)/mypy

validate: $(VENV)-sam/installed ## let the SAM CLI check the template
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(VENV)-sam/bin/sam validate --lint

check: lint types validate test ## everything that must hold before a change is made

hooks: $(VENV)/dev ## have git check style and types before every commit
	$(BIN)/pre-commit install

openapi: $(VENV)/dev ## write the OpenAPI document, its examples, the sample requests, the client, the events' schema, the table of routes, the first hour and the guide to the API
	$(BIN)/python -m local.openapi
	$(BIN)/pytest tests/functions/test_examples.py --write
	$(BIN)/python -m local.openapi
	$(BIN)/python -m local.event_schema
	$(BIN)/python -m local.client
	$(BIN)/pytest tests/client/test_first_hour.py tests/client/test_guides.py --write

doctor: $(VENV)/local $(VENV)-sam/installed ## list what a deployment to AWS would lack (PROFILE=dev or prod)
	@$(BIN)/kindling aws doctor --profile $(PROFILE) $(ARGS)

secrets: $(VENV)/local ## store the providers' keys from the environment in Secrets Manager (PROFILE=dev or prod)
	@$(BIN)/kindling aws secrets --profile $(PROFILE) $(ARGS)

deploy: $(VENV)/local $(VENV)-sam/installed ## check, build and deploy to AWS (PROFILE=dev or prod; ARGS=--dry-run shows only)
	@$(BIN)/kindling aws deploy --profile $(PROFILE) $(ARGS)

picture: $(VENV)/local ## draw docs/architecture.svg from the template
	$(BIN)/python -m local.picture

# --- The environment: made once, and again when what it is made from changes ---

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Kindling needs Python 3.11 or newer; '$(PYTHON)' is not. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
		exit 1; }
	@$(PYTHON) local/install.py environment $(VENV)
	@touch $@

$(VENV)/local: $(VENV)/python requirements/local.txt pyproject.toml client/pyproject.toml
	@$(PYTHON) local/install.py packages $(VENV) requirements/local.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PIP) install --no-deps --no-build-isolation -e client
	@touch $@

$(VENV)/dev: $(VENV)/local requirements/dev.txt
	@$(PYTHON) local/install.py packages $(VENV) requirements/dev.txt
	@touch $@

# The SAM CLI pins what it needs; in an environment of its own it cannot pin what we do. The file is complete, so
# nothing is left to resolve.
$(VENV)-sam/installed: requirements/sam.txt $(VENV)/python
	@echo "Installing the SAM CLI (once)"
	@$(PYTHON) -m venv $(VENV)-sam
	@$(VENV)-sam/bin/python -m pip -qq --disable-pip-version-check --no-input install --no-deps --require-hashes -r requirements/sam.txt
	@touch $@
