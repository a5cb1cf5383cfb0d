# make demo: install and serve the demo shop.  make test: run the tests.  make check: everything CI checks.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
MODELS := .venv-models
AUDIT := .venv-audit

.PHONY: demo install dev browser test check format test-models lock audit clean

demo: install
	$(BIN)/lychee demo

install: $(VENV)/.installed
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

dev: $(VENV)/.dev
$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@

# The browser tests drive Debian's Chromium; it is installed only where it is missing and we may.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } \
	  || echo "chromium is missing: the browser tests will be skipped"

test: dev browser
	$(BIN)/python -m pytest

check: dev browser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

format: dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The converted weights against the originals: needs torch, so it has an environment of its own.
test-models: $(MODELS)/.installed
	$(MODELS)/bin/python -m pytest -o addopts="-ra --import-mode=importlib" tests/models
$(MODELS)/.installed: requirements-models.txt requirements.lock
	$(PYTHON) -m venv $(MODELS)
	$(MODELS)/bin/pip install --quiet --disable-pip-version-check -r requirements-models.txt
	touch $@

# What is known against the locked packages. Exits with 2, and says so, where no advisory source could be asked.
audit: $(AUDIT)/.installed
	$(AUDIT)/bin/python tools/audit.py
$(AUDIT)/.installed: requirements-audit.txt
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	touch $@

clean:
	rm -rf $(VENV) $(MODELS) $(AUDIT) build *.egg-info
