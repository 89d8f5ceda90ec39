# Everything starts here: `make help`. Needs make, Python 3.11 or newer and, for the first
# call, access to a Python package registry. All that is made stays in .venv/ and var/.
# Packages and app are compiled once here: where nothing may write bytecode later, every
# start of a process would compile them again, which takes seconds.

PYTHON ?= python3
UV_VERSION := 0.13.9

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# Many tests wait for processes and browsers: one more at a time than there are processors.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
READY := .venv/.ready
BABEL := $(BIN)/python -m babel.messages.frontend -q
CATALOGS := $(wildcard translations/*/LC_MESSAGES/*.po)
COMPILED := $(CATALOGS:.po=.mo)
# uv of this machine if it works, else one of our own.
FIND_UV := if uv --version >/dev/null 2>&1; then echo uv; else echo var/uv/bin/uv; fi

.PHONY: uv help setup run test migrate-up bench lint format screenshots lock translations docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: $(READY) $(COMPILED) ## environment from requirements.lock

run: setup ## PostgreSQL, Redis, demo data, web on :8080 (PORT), worker, duties
	@APP_MODE=$${APP_MODE:-demo} exec $(BIN)/workflow-engine run

test: setup ## every test; PYTEST_ARGS="-k word" adds options
	@PYTHONDONTWRITEBYTECODE= exec $(BIN)/pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

migrate-up: setup ## bring the database (DATABASE_URL, else the one in var/) up to date
	@APP_MODE=$${APP_MODE:-demo} exec $(BIN)/workflow-engine migrate up

bench: setup ## speed as ratios; BENCH_ARGS="--only rest --seconds 2" picks
	@exec $(BIN)/python -m tests.bench $(BENCH_ARGS)

lint: setup ## style, types, layers, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: setup ## write Python as the style wants it
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

screenshots: setup ## pictures of the pages into var/screenshots/ and docs/img/
	@exec $(BIN)/python -m tests.browser.screenshots

lock: ## requirements.lock anew, after a change of pyproject.toml
	@$(MAKE) uv
	@uv=$$($(FIND_UV)) && $$uv pip compile --quiet --universal --generate-hashes --no-header \
		--no-annotate --extra embedded --extra mq --group dev --python-version 3.11 \
		pyproject.toml -o requirements.lock

translations: setup ## collect texts into the catalogs and compile them
	@mkdir -p var && $(BIN)/python -m tests.support.sentences > var/messages.pot
	@test -d translations/zh || $(BABEL) init -l zh -i var/messages.pot -d translations
	@$(BABEL) update -i var/messages.pot -d translations --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date --no-wrap
	@for each in translations/*/LC_MESSAGES/*.po; do $(BABEL) compile -i $$each -o $${each%.po}.mo; done

docs: setup ## tables of docs/definition-format.md that are made from the code
	@exec $(BIN)/python -m tests.support.reference

clean: ## remove .venv, caches and what tests left; data in var/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
		*.egg-info build dist var/uv
	find app tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -path ./.venv -prune -o -name '*.mo' -type f -exec rm -f {} +

%.mo: %.po $(READY)
	@$(BABEL) compile -i $< -o $@

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is missing or older than 3.11; install python3, or name one: make PYTHON=/path/to/python3"; \
		exit 1; }
	@$(MAKE) uv
	@echo "Setting up .venv from requirements.lock …"
	@uv=$$($(FIND_UV)) && \
	{ test -x $(BIN)/python || $$uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" .venv; } && \
	VIRTUAL_ENV=.venv $$uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock && \
	VIRTUAL_ENV=.venv $$uv pip install --quiet --no-deps -e . && \
	$(BIN)/python -m compileall -q app && \
	touch $@

uv:
	@uv --version >/dev/null 2>&1 || test -x var/uv/bin/uv || { \
		echo "Getting uv into var/uv …"; \
		$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
			echo "Python's venv module is incomplete; as root: apt-get install python3-venv, then make again"; \
			exit 1; }; \
		$(PYTHON) -m venv var/uv && \
		var/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
