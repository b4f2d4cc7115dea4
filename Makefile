# Needs Python 3.11 or newer, make, and a package index that pip reaches. Everything else is set up in .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
SETTINGS := DJANGO_SETTINGS_MODULE=portal.settings
# Whatever .env says: SQLite and files below DEMO_DIR, no Redis, plain HTTP on loopback. The default folder is that of
# all commands, so that they work on the demo's data; it refuses a database that holds anything real.
DEMO_DIR ?= var
DEMO := $(SETTINGS) VAR_DIR=$(DEMO_DIR) DATABASE_URL= REDIS_URL= CELERY_BROKER_URL=filesystem://localhost \
	HTTPS=off DEBUG=off BEHIND_TLS_PROXY=off ALLOWED_HOSTS=localhost,127.0.0.1 BILLING_DAY_OF_MONTH=0 \
	NIGHTLY_READING_HOUR=-1 REGISTRATION_URL= SECOND_FACTOR_REQUIRED_FOR= TICKET_SYSTEM_HOSTS=http://127.0.0.1:*
# What a production .env looks like to Django's deployment check.
PRODUCTION := $(SETTINGS) SECRET_KEY=8f3Kq9-only-for-the-check-Zt5wXv1bN7mLr2YcGh6JdPs4QeUaTnRk \
	FIELD_ENCRYPTION_KEYS=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= DEBUG=off HTTPS=on BEHIND_TLS_PROXY=on \
	ALLOWED_HOSTS=portal.example.com DATABASE_URL=postgres://portal@127.0.0.1/portal REDIS_URL=redis://127.0.0.1:6379/0 \
	TICKET_SYSTEM_HOSTS=https://help.example.com
unexport DJANGO_SETTINGS_MODULE
unexport PYTHONPATH

.PHONY: help demo clean-demo run test check fix audit bench screenshots fuzz-api chaos messages clean runtime dev

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: runtime ## the whole portal with an invented ticket system; ARGS=--no-serve ends after the job
	@$(PY) -m portal.environment
	@$(DEMO) $(PY) manage.py demo $(ARGS)

clean-demo: runtime ## removes the demo's data; refuses where there is anything else
	@$(PY) -m portal.environment
	@$(DEMO) $(PY) manage.py demo --forget

run: runtime ## the portal on this machine, with the settings of .env; ARGS="--port 8080"
	@$(PY) -m portal.environment
	@$(PY) manage.py up $(ARGS)

test: dev ## the whole test suite with the coverage gates
	@sh scripts/test

check: dev ## linters, types, templates, migrations, deployment check; writes nothing
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(PY) -m uv lock --check --quiet
	$(PY) -m djlint templates --lint --quiet
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING
	DATABASE_URL=sqlite://:memory: DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemigrations --check --dry-run

fix: dev ## puts the code into shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

audit: dev ## looks up every locked package among the published vulnerabilities; needs the network
	@$(PY) -m scripts.audit $(ARGS)

bench: dev ## measures sync, billing, reports and lists; see docs/performance.md
	@$(PY) -m benchmarks $(ARGS)

screenshots: DEMO_DIR = var/screenshots
screenshots: dev ## pictures of every page of the demo into docs/screenshots (needs Chromium); ARGS="--only NAME"
	@$(PY) -m portal.environment
	@rm -rf $(DEMO_DIR)
	@$(DEMO) $(PY) -m scripts.screenshots $(ARGS)

fuzz-api: dev ## asks the read API whatever its own document allows, and what it does not; FUZZ_ROUNDS=200
	FUZZ_ROUNDS=$${FUZZ_ROUNDS:-200} $(PY) -m pytest -q -m slow tests/api/test_fuzz.py

chaos: dev ## kills, cuts off and doubles what it can while it bills; see docs/reliability.md
	@$(PY) -m tests.chaos $(ARGS)

messages: dev ## collects and compiles the translations (needs gettext)
	DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemessages --locale de --no-obsolete --no-location --ignore '.venv/*' --ignore 'var/*'
	DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py compilemessages --locale de --ignore '.venv/*'

clean: ## removes the Python environment and what tools have cached; keeps var/ and .env
	rm -rf .venv .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis

runtime:
	@sh scripts/environment runtime

dev:
	@sh scripts/environment dev
