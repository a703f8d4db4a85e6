# Everything one types. Each target sets itself up; the second time that takes no time.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# A developer's own settings must not reach the tests, and what they compiled is kept for the next.
PLAIN := env -u PYTHONDONTWRITEBYTECODE $$(env | sed -n 's/^\(ANJU_[A-Z0-9_]*\)=.*/-u \1/p')

.DEFAULT_GOAL := help
.PHONY: help demo test check format setup secrets bench lock screenshots clean distclean

help: ## what can be typed
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r command text; do printf '  %-18s %s\n' "$$command" "$$text"; done

demo: $(VENV)/.run ## a town of 40 invented homes on this machine; Ctrl-C ends it
	@$(BIN)/anju demo $(ARGS)

test: $(VENV)/.dev ## every test, on SQLite and PostgreSQL, with a real broker and browser
	@scripts/needs.sh
	@$(PLAIN) $(BIN)/pytest -p no:cacheprovider -n 3 --dist worksteal $(ARGS)

check: $(VENV)/.dev ## format, lint, types, layers, locks
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/locks.py

format: $(VENV)/.dev ## put the code into its form
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

setup: $(VENV)/.dev ## only the set-up: .venv with everything in it

bench: $(VENV)/.dev ## measure throughput and the time from a press to a notice
	@scripts/needs.sh
	@$(PLAIN) $(BIN)/python -m benchmarks $(ARGS)

secrets: ## deploy/*.env for docker compose, with fresh passwords
	@scripts/secrets.sh

lock: ## resolve pyproject.toml anew (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv" >&2; exit 1; }
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --extra dev pyproject.toml \
		-c requirements.lock -o requirements-dev.lock
	@$(BIN)/python scripts/locks.py --write-build

screenshots: $(VENV)/.dev ## docs/images from a running demo: make screenshots ARGS="…"
	@$(BIN)/python scripts/screenshots.py $(ARGS)

clean: ## what checks and tests leave behind
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## that, the virtual environment and the demo's data
	@rm -rf $(VENV) demo-data

$(VENV)/.run: pyproject.toml requirements.lock requirements-build.lock scripts/setup.sh
	@scripts/setup.sh run

$(VENV)/.dev: pyproject.toml requirements-dev.lock scripts/setup.sh
	@scripts/setup.sh dev
