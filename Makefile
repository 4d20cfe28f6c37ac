# `make demo` and `make test` are all that a newcomer needs; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes
# torch is in no lock: which build is right (CPU, CUDA, ROCm) is the machine's matter, each has a hash of its own, and the
# one with CUDA brings 3 GB of libraries. pip takes the build of this version that it is set up to find. It comes last, so
# that it finds the rest of what it needs installed as locked; --no-deps keeps the rest from asking for it before.
TORCH := $(RUN) -m pip install --quiet --disable-pip-version-check $(shell grep -om1 'torch==[0-9.]*' pyproject.toml)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; name one with: make PYTHON=python3.12 demo" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) -r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(RUN) -m indexer.analysis
	$(RUN) -m search_ui.i18n compile
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(PIP) -r requirements-dev.lock
	@touch $@

$(VENV)/installed-transformers: requirements-transformers.lock $(VENV)/installed
	$(PIP) --no-deps -r requirements-transformers.lock
	$(TORCH)
	@touch $@

$(VENV)/installed-transformers-dev: requirements-transformers-dev.lock $(VENV)/installed
	$(PIP) --no-deps -r requirements-transformers-dev.lock
	$(TORCH)
	@touch $@

.PHONY: setup
setup: $(VENV)/installed ## Make the environment in .venv

.PHONY: demo
demo: setup ## Load the demonstration and serve it on http://localhost:8000/
	$(VENV)/bin/kb demo

.PHONY: transformers
transformers: $(VENV)/installed-transformers ## Add what other embedding models need (KB_EMBEDDING_MODEL); 1 GB and more

.PHONY: serve
serve: setup ## Serve what is in var/
	$(VENV)/bin/kb serve

.PHONY: cluster
cluster: setup ## Serve on PostgreSQL, Elasticsearch and Redis, with workers, on this machine (scripts/cluster)
	scripts/cluster start

.PHONY: test
test: lint test-alone ## Check the code and run every test that needs no server

.PHONY: test-alone
test-alone: $(VENV)/installed-dev
	$(RUN) -m pytest -q -m "not browser and not postgres and not cluster and not transformers"

.PHONY: lint
lint: $(VENV)/installed-dev ## Style, types, import directions
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

.PHONY: format
format: $(VENV)/installed-dev ## Lay the code out and sort imports
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: test-postgres
test-postgres: $(VENV)/installed-dev ## Tests on PostgreSQL (KB_TEST_POSTGRES, else the one on this machine)
	$(RUN) -m pytest -q -m postgres

.PHONY: test-cluster
test-cluster: $(VENV)/installed-dev ## Tests with Redis, PostgreSQL, Elasticsearch and real workers
	$(RUN) -m pytest -q -m cluster

.PHONY: test-browser
test-browser: $(VENV)/installed-dev ## Tests in a real browser (Debian's chromium)
	$(RUN) -m pytest -q -m browser

.PHONY: test-transformers
test-transformers: ## Tests of a real sentence-transformers model, in an environment of their own (.venv-transformers)
	$(MAKE) VENV=.venv-transformers .venv-transformers/installed-transformers-dev
	HF_HUB_OFFLINE=1 .venv-transformers/bin/python -m pytest -q -m transformers

.PHONY: smoke
smoke: setup ## Start the demonstration as a newcomer does, and ask it a question
	scripts/smoke

.PHONY: evaluate
evaluate: setup ## Load the demonstration and measure search on the judged queries
	rm -rf var/evaluation
	KB_DATA_DIR=var/evaluation $(VENV)/bin/kb demo --load-only
	KB_DATA_DIR=var/evaluation $(VENV)/bin/kb evaluate

.PHONY: vectors
vectors: setup ## Bring the shipped vectors of the fixtures up to date
	$(VENV)/bin/kb vectors

$(VENV)/installed-bench: requirements-bench.lock $(VENV)/installed
	$(PIP) -r requirements-bench.lock
	@touch $@

.PHONY: bench
bench: $(VENV)/installed-bench ## Measure the product beside its rivals (docs/performance.md); BENCH='--sizes 1000 --only a'
	$(RUN) -m scripts.bench $(BENCH)

.PHONY: lock
lock: $(VENV)/installed-dev ## Choose versions anew (needs uv: pip install uv)
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet --upgrade --output-file requirements.lock
	uv pip compile pyproject.toml --extra build --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --constraint requirements.lock --output-file requirements-dev.lock
	uv pip compile pyproject.toml --extra build --extra transformers --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-package torch --no-header --no-annotate --quiet --upgrade --constraint requirements.lock \
	  --output-file requirements-transformers.lock
	uv pip compile pyproject.toml --extra build --extra dev --extra transformers --extra test-transformers --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package torch --no-header --no-annotate --quiet \
	  --constraint requirements-dev.lock --constraint requirements-transformers.lock --output-file requirements-transformers-dev.lock
	uv pip compile pyproject.toml --extra build --extra bench --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --constraint requirements.lock --output-file requirements-bench.lock

.PHONY: clean
clean: ## Remove the environment and what was built; var/ stays
	rm -rf $(VENV) .venv-transformers .mypy_cache .ruff_cache .pytest_cache .hypothesis indexer/*.marisa *.egg-info
