# Sluice. Every target works from an empty machine with python3, make and git.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STATE := .sluice
STAMP := $(VENV)/.installed
EDGE_STAMP := $(VENV)/.tfjs-installed

# A person's own AWS, Prefect and proxy are none of our business, and we none of theirs.
comma := ,
unexport $(filter AWS_% PREFECT_%,$(.VARIABLES))
export NO_PROXY := 127.0.0.1,localhost$(addprefix $(comma),$(NO_PROXY))
export no_proxy := 127.0.0.1,localhost$(addprefix $(comma),$(no_proxy))

# Nothing phones home.
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 2

.PHONY: help install browser demo test coverage check audit sbom licences format up down status new-model check-model bench lock clean distclean

help: ## Show what there is to run
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(STAMP): requirements.txt requirements-nodeps.txt requirements-bootstrap.txt embedded-aws/pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Sluice needs Python 3.11 to 3.13: from 3.14 on the locked set does not install. {sys.executable} is {v[0]}.{v[1]}.{v[2]}. Next: make PYTHON=/path/to/python3.11")'
	@echo "» Making the virtual environment $(VENV) and installing the locked set (2.7 GB, a few minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
	@$(BIN)/uv pip sync --compile-bytecode --python $(BIN)/python --require-hashes requirements.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --require-hashes -r requirements-nodeps.txt -r requirements-bootstrap.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation --editable ./embedded-aws  # the lock has what it needs
	@touch $@

$(EDGE_STAMP): tasks/conversion/tfjs_runner/package-lock.json $(STAMP)
	@echo "» Installing TensorFlow.js for the parity checks (npm comes with the virtual environment)"
	@$(BIN)/python -c 'from tasks.conversion.runtimes import install_tfjs, modules_folder; install_tfjs(modules_folder())'
	@touch $@

install: $(STAMP) $(EDGE_STAMP) ## Install everything into .venv

browser: $(STAMP)
	@$(BIN)/python -m deployments.laptop.browser

demo: install ## The whole story on this machine, told in a few minutes
	@$(BIN)/python -m deployments.demo

test: install browser ## All tests, in a real browser too
	@$(BIN)/python -m tests.halves $(ARGS)

coverage: install browser ## Which lines the tests of the rooms run; see docs/coverage.md
	@mkdir -p $(STATE)/coverage
	@$(BIN)/python -m pytest -n 3 --dist loadfile --ignore=tests/journeys --cov --cov-report=term --cov-report=html

check: install ## Format, lint, types, import rules, known vulnerabilities, documentation
	@echo "» ruff"; $(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@echo "» mypy"; $(BIN)/mypy
	@echo "» import-linter"; $(BIN)/lint-imports && cd embedded-aws/src && ../../$(BIN)/lint-imports --config ../pyproject.toml
	@echo "» known vulnerabilities"; $(BIN)/python -m deployments.supply_chain audit --where-answered
	@echo "» documentation"; $(BIN)/python -m pytest --quiet tests/docs --ignore=tests/docs/test_howtos.py  # make test runs those

audit: install ## What indexes know against the locked packages; see docs/dependencies.md
	@$(BIN)/python -m deployments.supply_chain audit $(ARGS)

sbom: install ## Bills of materials (CycloneDX) in .sluice/supply-chain
	@$(BIN)/python -m deployments.supply_chain sbom

licences: install ## Licences of all that is installed; fails when one is not accepted
	@$(BIN)/python -m deployments.supply_chain licences

format: install ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

up: install ## Start the embedded AWS, Prefect and a worker, or what of them is missing
	@$(BIN)/python -m deployments.laptop up

down: install ## End what `make up` started; what it holds is kept
	@$(BIN)/python -m deployments.laptop down

status: install ## Say how each part is, and where; fails when one is missing
	@$(BIN)/python -m deployments.laptop status

new-model: install ## A new model's folder, code and contract: make new-model NAME=x ARGS="--kind image"
	@$(BIN)/python -m deployments.models new-model $(NAME) $(ARGS)

check-model: install ## All that can be checked before a training: make check-model NAME=x
	@$(BIN)/python -m deployments.models check-model $(NAME) $(ARGS)

bench: install ## All benchmarks; prints tables
	@$(BIN)/python -m benchmarks

# What is there stays as it is where it can; ARGS=--upgrade moves everything, ARGS="--upgrade-package x" one.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(ARGS)

lock: $(STAMP) ## Compile the locks from pyproject.toml: hashes, no addresses
	@$(COMPILE) --extra development --no-emit-package embedded-aws pyproject.toml -o requirements.txt
	@$(COMPILE) --group bootstrap -o requirements-bootstrap.txt
	@$(COMPILE) --no-deps --group without-theirs -o requirements-nodeps.txt

clean: ## Remove all state (.sluice): lake, registry, runs, logs; ends a running stack first
	@for state in $(STATE)/demo $(STATE); do \
		if [ -x $(BIN)/python ] && [ -d $$state ]; then \
			SLUICE_STATE=$$state $(BIN)/python -m deployments.laptop clean; fi; done
	@rm -rf $(STATE)

distclean: clean ## Remove the virtual environment and caches too
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
