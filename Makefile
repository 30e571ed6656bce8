# Every target sets up what it needs (tools/setup.py); a machine brings Python 3.11 or newer, git and make.
# PYTHON=/path/to/python chooses the Python below .venv. PYTEST="-k word" hands words to pytest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

venv := .venv/bin
# Not exported for all of make: tools/setup looks for a Python that is not .venv's.
in_venv := PATH="$(CURDIR)/.tools/bin:$(CURDIR)/.venv/bin:$$PATH"
sources := $(wildcard main.py environments constructs tests benchmarks tools)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

.PHONY: setup setup-python setup-synth
setup: ## set everything up, and do nothing else
	@tools/setup venv editable node go kubeconform
setup-synth:
	@tools/setup venv editable node
setup-python:
	@tools/setup venv editable

# The CLI reads every CDK8S_* as an option, and it deletes whatever folder it is told to write into.
.PHONY: synth
synth: setup-synth ## render environments/ into dist/ with cdk8s synth
	@env -u CDK8S_OUTPUT -u CDK8S_O -u CDK8S_STDOUT -u CDK8S_P -u CDK8S_APP -u CDK8S_A \
		CDK8S_CHECK_UPGRADE=false $(in_venv) \
		node --require ./tools/cdk8s.cjs node_modules/.bin/cdk8s synth

.PHONY: test
test: setup ## run all tests
	@$(in_venv) $(venv)/python -m pytest $(PYTEST)

.PHONY: kubeconform
kubeconform: setup ## check dist/ with kubeconform, strict and offline
	@$(in_venv) $(venv)/python -m pytest tests/test_kubeconform.py -q

.PHONY: cluster-build cluster-test cluster-nightly cluster-dry-run
cluster-build: ## build a real control plane, once (half an hour)
	@tools/setup venv editable node go
	@exec $(venv)/python tools/cluster.py >/dev/null
cluster-test: cluster-build ## prove dist/ and the rules on that control plane
	@$(in_venv) exec $(venv)/python -m tests.cluster $(PYTEST)
cluster-nightly: cluster-build ## ask the oldest version too whether the rules say the truth
	@$(in_venv) exec $(venv)/python -m pytest -c tests/cluster/pytest.ini tests/cluster --part=oldest $(PYTEST)
# pytest's short summary repeats every refusal wherever CI is set.
cluster-dry-run: setup-synth ## ask the cluster of CONTEXT=name whether it would accept dist/ (of ENVIRONMENT=name)
	@test -n "$(CONTEXT)" || { echo "name a context of your kubeconfig: make cluster-dry-run CONTEXT=name" >&2; exit 2; }
	@$(in_venv) $(venv)/python -m pytest -c tests/cluster/pytest.ini tests/cluster/test_context.py -rN --context="$(CONTEXT)" $(if $(ENVIRONMENT),--environment="$(ENVIRONMENT)") $(PYTEST)

.PHONY: check
check: setup-synth ## ruff, mypy, pyright, and dist/ is fresh
	@tools/setup pipenv
	$(venv)/python tools/check_repository.py
	$(venv)/ruff check
	$(venv)/ruff format --check
	$(venv)/mypy $(sources)
	@$(in_venv) node_modules/.bin/pyright
	@$(in_venv) $(venv)/modelyard check

.PHONY: format
format: setup-python ## rewrite the Python files the way ruff wants them
	$(venv)/ruff check --fix-only --quiet
	$(venv)/ruff format

.PHONY: bench bench-smoke
bench: setup ## measure modelyard against Helm, kustomize and cdk8s-plus
	@$(in_venv) $(venv)/python benchmarks/run.py
bench-smoke: setup ## the same with a small fleet, to see that it runs
	@$(in_venv) $(venv)/python benchmarks/run.py --smoke

# build/lib keeps modules that are gone from the source, and setuptools packs what it finds there.
.PHONY: wheel
wheel: setup-python ## build a wheel into build/wheels/
	@rm -rf build
	@$(venv)/python -m pip --disable-pip-version-check wheel --quiet --no-index --no-deps \
		--no-build-isolation --wheel-dir build/wheels .
	@$(venv)/python tools/check_wheel.py

.PHONY: schemas
schemas: setup-python ## make the bundled schemas anew from pinned Go modules (needs Go)
	@tools/setup go
	@$(in_venv) $(venv)/python tools/schemas.py
	@$(in_venv) $(venv)/python tools/crds.py

.PHONY: lock
lock: ## lock all dependencies anew (needs Go)
	@tools/setup pipenv
	@.tools/pipenv/bin/python tools/lock.py

.PHONY: clean
clean: ## delete everything that a target made, except dist/
	rm -rf .venv .tools .modelyard node_modules build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf constructs/modelyard.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
