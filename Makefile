# On a fresh machine with make and Python 3.11 or newer, `make run` and `make test` set up all that they need.
.PHONY: setup packages run test suite test-long lint lock languages bench faults hostile manifests clean

PY := .venv/bin/python
export PYTHON
# many processes are started here, and each would compile anew all that it imports
export PYTHONDONTWRITEBYTECODE :=

# What to hand on, for example: make run ARGS="--port 0 --fleet 10"
ARGS ?=

## the Python environment and the browser files; does nothing when they are up to date
setup:
	@deploy/setup.sh

## what tests need of the system
packages:
	@deploy/setup.sh packages

# Of a new environment all workers would compile the same at the same time; it fits beside what lint does.
.venv/compiled: requirements/dev.txt
	@$(PY) -m pytest --collect-only -q >/dev/null 2>&1 || true
	@touch $@

## everything on this machine, with a demo workspace; Ctrl-C stops it
run: setup
	@exec $(PY) -m deploy.local up $(ARGS)

## every test, and lint beside them
test: setup
	@$(MAKE) --no-print-directory -j2 packages .venv/compiled
	@$(MAKE) --no-print-directory -j2 suite lint

suite:
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadscope $(ARGS)

## every test, and of pages, roles and generated requests every combination, which takes long
test-long: setup
	@deploy/setup.sh packages
	DAYBOOK_TESTS=long $(PY) -m pytest -n auto --maxprocesses 4 --dist loadscope --timeout 7200 $(ARGS)

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

## compile the dependencies of each deployable into requirements/
lock: setup
	deploy/lock.sh

## collect the texts for translation and compile the catalogues of every language
languages: setup
	deploy/languages.sh $(ARGS)

## measure what it costs, and write docs/benchmarks.md; one row: make bench ARGS="--only ingest"
bench: setup
	@deploy/setup.sh packages
	$(PY) -m tests.bench $(ARGS)

## kill, stop and starve every part under load, and look for what was lost
faults: setup
	$(PY) -m tests.faults $(ARGS)

## try every endpoint as every role, with another tenant's ids, operators and generated requests; counts what gets through
hostile: setup
	DAYBOOK_TESTS=long $(PY) -m pytest tests/hostile -q --timeout 7200 $(ARGS)

## render and check everything under deploy/k8s, what watches it, and every image with the packages of its own lock
manifests: setup
	@deploy/setup.sh promtool
	$(PY) -m deploy.manifests $(ARGS)
	DAYBOOK_TESTS=long $(PY) -m pytest tests/manifests/test_images.py tests/manifests/test_processes.py -q

## what was built and cached here; the data of `make run`, in var/, stays
clean:
	rm -rf .venv services/diary/node_modules services/diary/static/vendor
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
