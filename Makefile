# Everything is built in $(VENV); a stamp file per set of packages keeps a second call from installing again.
VENV ?= .venv
# The first interpreter on the path that is Python 3.11 or newer.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$python; break; }; done)
BIN := $(VENV)/bin
CORE := $(VENV)/.installed-core
DEV := $(VENV)/.installed-dev
CHECKED := tabsynth tests examples .ci $(wildcard evaluations)

.PHONY: demo test nightly test-sdv test-lowest check bench clean
.DEFAULT_GOAL := test

demo: $(CORE) ## Synthesize the example patients and say where the report is.
	$(BIN)/tabsynth run schemas/patients.yaml examples/patients.csv -o out/patients --seed 7 --overwrite
	@echo
	@echo "Open out/patients/internal/report.html in a browser; out/patients/report.html is the edition for others."

test: $(DEV) ## All tests but the nightly ones.
	$(BIN)/python -m pytest -n 2

nightly: $(DEV) ## Slow audits, and a search for examples that break a property.
	$(BIN)/python -m pytest -n 2 -m nightly
	TABSYNTH_SEARCH=1 $(BIN)/python -m pytest -n 2 -m hypothesis

# SDV needs pandas 2, so that it has an environment of its own. Minutes, installation included: not part of .ci/run.
test-sdv: .venv-sdv/.installed ## The generators of SDV, in .venv-sdv; nightly.
	.venv-sdv/bin/python -m pytest -n 2 tests/generators/test_sdv.py tests/conformance/test_generators.py -k sdv

# A lower bound in pyproject.toml is a claim; minutes, like the above.
test-lowest: .venv-lowest/.installed ## All tests with the oldest packages that are let in; nightly.
	.venv-lowest/bin/python -m pytest -n 2

.venv-lowest/.installed: pyproject.toml .ci/lowest.py
	@test -n "$(PYTHON)" || { echo "tabsynth needs Python 3.11 or newer; none was found on the path" >&2; exit 1; }
	$(PYTHON) -m venv .venv-lowest
	$(PYTHON) .ci/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,deep,pdf]' -c .venv-lowest/lowest.txt
	@touch $@

check: $(DEV) ## Format, lint, types, licences.
	$(BIN)/ruff format --check $(CHECKED)
	$(BIN)/ruff check $(CHECKED)
	$(BIN)/mypy
	$(BIN)/python .ci/licences.py

bench: $(DEV) ## Measure and write evaluations/results.
	$(BIN)/python -m evaluations

clean: ## Remove what was built, not what was downloaded.
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "tabsynth needs Python 3.11 or newer; none was found on the path" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(CORE): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,deep,pdf]'
	@touch $@ $(CORE)

.venv-sdv/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "tabsynth needs Python 3.11 or newer; none was found on the path" >&2; exit 1; }
	$(PYTHON) -m venv .venv-sdv
	.venv-sdv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev,sdv]'
	@touch $@
