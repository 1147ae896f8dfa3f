# Everything a newcomer needs, on a machine with Python 3.11 or later (with venv and pip) and make.
#
#   make run     the daemon, in the foreground; Ctrl-C stops it. ARGS="--log-format json" adds options
#   make demo    the whole product in a minute, on a built-in world: no account, no network
#   make test    the tests
#   make lint    style, types, who may import whom
#   make ci      all of it, as .ci/run does
#   make set-up   only what the others need: .venv
#   make clean   takes away what these made; never your data
#
# The first call makes .venv (some seconds); as long as uv.lock stays the same, later ones find it ready.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV_VERSION := 0.13.9
VENV := .venv
READY := $(VENV)/.ready
WORKERS ?= 2

.PHONY: run demo test lint ci clean set-up
.DELETE_ON_ERROR:

run: $(READY)
	$(VENV)/bin/tocsin run $(ARGS)

demo: $(READY)
	$(VENV)/bin/tocsin demo $(ARGS)

test: $(READY)
	$(VENV)/bin/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

ci:
	.ci/run

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

set-up: $(READY)

# A virtual environment whose Python is gone (moved checkout, upgraded system) is made anew. --inexact leaves pip and
# uv in it. The sync is by uv.lock and its hashes alone.
$(READY): uv.lock pyproject.toml Makefile
	@test -n "$(PYTHON)" || { echo "Tocsin needs Python 3.11 or later with venv (Debian: apt install python3-venv)." >&2; exit 1; }
	@$(VENV)/bin/python -c 'import pip' 2>/dev/null || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=$(VENV) $(VENV)/bin/python -m uv sync --quiet --frozen --inexact
	@touch $@
