PYTHON ?= python3
PORT ?= 8000
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test test-slow judges faults lint bench messages discovery lock clean

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "The portal needs Python 3.11 or newer; this is Python %d.%d. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "A virtual environment cannot be made here. On Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/run.installed: requirements.lock | $(VENV)/made
	@echo "• Installing the pinned packages into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/dev.installed: requirements-dev.lock | $(VENV)/made
	@echo "• Installing the pinned packages for development into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/run.installed

install: $(VENV)/run.installed  ## Install what the portal needs
install-dev: $(VENV)/dev.installed  ## Install what its development needs

demo: install  ## Run everything against the sandbox: a tour, then the admin on PORT (8000)
	@PORT=$(PORT) exec $(BIN)/python manage.py demo

test: install-dev  ## The suite, on SQLite unless DATABASE_URL says otherwise
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: install-dev  ## Kills, crashes, browser
	$(BIN)/python -m pytest -m slow -n auto --dist loadgroup --no-loadscope-reorder $(ARGS)

judges:  ## Install the judges of passes that are written for Node; the slow tests ask them
	cd tests/judges && npm ci --no-audit --no-fund --loglevel=error

faults: install-dev  ## Every fault with the product's own times, as a table
	@mkdir -p var && rm -f var/faults.md
	@FAULTS=full FAULTS_TABLE=var/faults.md $(BIN)/python -m pytest -m slow tests/faults $(ARGS); ended=$$?; \
	printf '| fault | accepted | lost | effects doubled | executions doubled | seconds until work flows |\n' && \
	printf '|---|---|---|---|---|---|\n' && cat var/faults.md; exit $$ended

lint: install-dev  ## Style, types, import contracts, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m mypy portal passes integrations
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

bench: install-dev  ## Print the benchmarks' ratios
	$(BIN)/python -m bench.ledger
	$(BIN)/python -m bench.ingest
	$(BIN)/python -m bench.drain
	$(BIN)/python -m bench.admin
	$(BIN)/python -m bench.metrics
	$(BIN)/python -m bench.apple
	$(BIN)/python -m bench.google
	$(BIN)/python -m bench.actito
	$(BIN)/python -m bench.retention

messages: install-dev  ## Bring the French and Dutch catalogues up to date
	$(BIN)/python -m tests.catalogues

discovery: install-dev  ## Reduce Google's description of its Wallet API anew
	$(BIN)/python -m tests.discovery

lock: install-dev  ## Pin every version anew, from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header -c requirements.lock --group dev pyproject.toml -o requirements-dev.lock

clean:  ## Remove the demo's data and the virtual environment
	rm -rf $(VENV) var
