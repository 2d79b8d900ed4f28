# One command each, from a bare clone: only Python >= 3.11 with pip is needed (PYTHON=... names another one).
# Everything lands in .venv and var/; packages are installed again only when their lock file changed.

VENV = .venv
PY = $(VENV)/bin/python
INSTALL = @python=$$(PYTHON="$(PYTHON)" .ci/python) && "$$python" .ci/install.py --venv $(VENV)
COMPILE = $(PY) -m uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

.PHONY: help run install dev test lint format bench lock clean

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1 /p' Makefile

run: install ## serve on http://127.0.0.1:8000 (HOST, PORT; DEMO=0 leaves the demo fleet out)
	@$(PY) manage.py migrate --verbosity 0
	@exec $(PY) manage.py serve

install:
	$(INSTALL) requirements.lock

dev:
	$(INSTALL) requirements-dev.lock

test: dev ## the whole suite on SQLite, then on PostgreSQL where one is reachable (ARGS="-k boot" narrows)
	@$(PY) .ci/test.py $(ARGS)

lint: dev ## layout, rules, forgotten migrations, Django's own checks
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) manage.py makemigrations --check --dry-run
	@$(PY) manage.py check --fail-level WARNING

format: dev ## put layout right
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: dev ## measure against the reference implementations (docs/performance.md)
	@$(PY) -m benchmarks $(ARGS)

lock: dev ## work the lock files out again (ARGS=--upgrade takes newer releases)
	$(COMPILE) $(ARGS) --output-file requirements.lock
	$(COMPILE) $(ARGS) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## throw the environments away; var/ with the data stays
	rm -rf .venv .venv-next .pytest_cache .ruff_cache tests/peers/node_modules
