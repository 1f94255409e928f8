# make demo | make test | make check | make bench; each makes .venv first, from the locked dependencies.
.DELETE_ON_ERROR:
.PHONY: demo test check bench lock format clean

PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
# Two levels: what the program needs, and on top of it what its tests need. The locks are complete, so nothing is resolved:
# some versions of pip would look for a newer release of what a dependency asks for with an extra, and refuse it.
RUN := .venv/.run
DEV := .venv/.dev

demo: $(RUN)
	@$(BIN)/reconciler demo

test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

# Format, lint, types, import contracts: the quick part.
check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV)
	$(BIN)/python -m tests.bench

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv:
	$(PYTHON) -m venv .venv

$(RUN): requirements.lock pyproject.toml | .venv
	$(PIP) install --require-hashes --no-deps -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	$(PIP) check
	@touch $@

# After a change of pyproject.toml's dependencies; hashes, and no index addresses.
LOCK := $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header -q
lock: $(DEV)
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv dist build
