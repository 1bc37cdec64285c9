SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VENV ?= .venv
# Looked up at each use, because `make setup test` creates the environment on the way.
PYTHON = $(shell test -x "$(VENV)/bin/python" && echo "$(VENV)/bin/python" || echo python3)

.PHONY: setup format check test test-all setup-outside test-outside build

setup:
	python3 -m venv "$(VENV)"
	"$(VENV)/bin/python" -m pip install -c constraints.txt -e ".[test]"

format:
	"$(PYTHON)" -m ruff check --fix .
	"$(PYTHON)" -m ruff format .

check:
	"$(PYTHON)" -m ruff check .
	"$(PYTHON)" -m ruff format --check .
	"$(PYTHON)" -m pyright --pythonpath "$(PYTHON)"

test:
	"$(PYTHON)" -m pytest -m "not slow" -n auto --dist loadfile

test-all:
	"$(PYTHON)" -m pytest

# robosuite and openpi's client hold numpy below 2, and so have an environment of their own.
setup-outside:
	python3 -m venv "$(VENV)-outside"
	"$(VENV)-outside/bin/python" -m pip install "torch==2.13.*"
	"$(VENV)-outside/bin/python" -m pip install -e ".[robosuite,openpi,lerobot]" openpi-client==0.1.2 pytest

test-outside:
	"$(VENV)-outside/bin/python" -m pytest tests/robosuite tests/openpi

# Builds the sdist and from it the wheel, then uses the wheel where no checkout is in reach.
build:
	rm -rf dist
	"$(PYTHON)" -m build --no-isolation --outdir dist
	@smoke=$$(mktemp -d); trap 'rm -rf "$$smoke"' EXIT; export PYTHONPATH=; set -x; \
	"$(PYTHON)" -m venv "$$smoke/venv"; \
	"$$smoke/venv/bin/python" -m pip install -q -c constraints.txt "$(CURDIR)"/dist/*.whl; \
	cd "$$smoke"; \
	venv/bin/pi0bench list; \
	venv/bin/pi0bench run --policy expert --suite tabletop --episodes 2 --out run
