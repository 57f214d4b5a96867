.PHONY: help demo check test fuzz bench lock
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv/bin
FAST := tests/unit tests/property tests/reference tests/architecture src/minewatch/office
SLOW := tests/golden tests/conformance tests/end_to_end
SLOW_OFFICE := $(wildcard tests/*/test_office_*.py) tests/end_to_end/test_demo.py

help: ## this page
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: ## a simulated county from raw files to the console; DEMO_NO_SERVE=1 ends when it is ready
	@PYTHON=$(PYTHON) tools/setup.sh run
	@tools/demo.sh

check: ## style, types and fast tests
	@PYTHON=$(PYTHON) tools/setup.sh test
	@tools/translations.sh compile
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/python -m pytest -q -n auto $(FAST)

test: check ## everything: what make check does, then the slower tests
	@tools/runtimes.sh
	@tools/assets.sh || echo "*** The tests of the console in a browser are left out below, by name." >&2
	$(VENV)/python -m tests.postgresql $(VENV)/python -m pytest -q -n auto src/minewatch/office \
		tests/conformance/test_office_queries.py
	$(VENV)/python -m pytest -q -n auto --dist loadfile $(SLOW_OFFICE)
	$(VENV)/python -m pytest $(SLOW) $(addprefix --ignore=,$(SLOW_OFFICE))

fuzz: ## ten minutes of damaged captures through every reader
	@PYTHON=$(PYTHON) tools/setup.sh test
	$(VENV)/python tests/fuzz_captures.py --minutes 10

bench: ## each job's ratio to its floor, measured in one run; writes build/bench.json
	@PYTHON=$(PYTHON) tools/setup.sh test
	$(VENV)/python -m benchmarks

lock: ## resolve the locked requirements anew (writes requirements/*.txt)
	@PYTHON=$(PYTHON) tools/setup.sh test
	PATH="$(CURDIR)/.venv/bin:$$PATH" tools/lock.sh
