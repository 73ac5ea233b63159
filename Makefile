# Two commands: `make demo` and `make test`. Everything happens inside .venv.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := models activities workflows selfheal runbooks gateway worker tests bench

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format lock services

help: ## list what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready ## make .venv with the pinned dependencies

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'selfheal needs Python 3.11 or newer: make setup PYTHON=/path/to/python3.11' >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## break a real service four times and watch it heal
	$(BIN)/selfheal demo

test: setup ## all tests
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

check: setup ## format, lint, types, import contract
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## format and mend what can be mended
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

services: ## install the real servers that the tests use (Debian, as root)
	bash tests/services/provision.sh

lock: setup ## pin the dependencies anew, with hashes and without index addresses
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --python-version 3.11 --group dev pyproject.toml -o requirements.lock
