.PHONY: help check test lock
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv/bin

help: ## this page
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

check: ## style, types and fast tests, under a minute
	@PYTHON=$(PYTHON) tools/setup.sh test
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/python -m pytest -q tests/unit tests/property tests/architecture

test: check ## everything: what make check does, then the slower tests
	$(VENV)/python -m pytest tests

lock: ## resolve the locked requirements anew (writes requirements/*.txt)
	@PYTHON=$(PYTHON) tools/setup.sh test
	PATH="$(CURDIR)/.venv/bin:$$PATH" tools/lock.sh
