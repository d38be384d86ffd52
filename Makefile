# Two commands for a newcomer: `make demo` and `make test`. Needs Python 3.11 or later and make.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= .kangshu
PORT ?= 8000

.PHONY: setup demo test test-spark attacks check format bench docs advisories clean

setup: .venv/runtime.stamp

.venv/runtime.stamp: requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Kangshu needs Python 3.11 or later; this is $$($(PYTHON) --version). Run: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@test -w . || { echo "The folder $$(pwd) cannot be written: clone into a folder of your own."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "Python's venv module is missing: on Debian run 'apt-get install python3-venv'."; exit 1; }
	@echo "Installing (once) ..."
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --requirement requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/development.stamp: .venv/runtime.stamp requirements/development.txt
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --requirement requirements/development.txt
	@touch $@

demo: setup
	@$(BIN)/kangshu demo --data-dir $(DATA) --port $(PORT) $(if $(RESET),--reset)

test: .venv/development.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-spark: .venv/development.stamp
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --requirement requirements/spark.txt
	$(BIN)/python -m pytest -n 2 -k spark tests/measures tests/suites/test_sql_on_fhir_v2.py

# Proves every attack on its planted hole and goes through random policies for LASTING seconds; some minutes.
LASTING ?= 300
attacks: .venv/development.stamp
	KANGSHU_PROVE=1 KANGSHU_DIFFERENTIAL=$(LASTING) $(BIN)/python -m pytest -n 2 --dist loadfile \
	  tests/attacks/test_proofs.py tests/differential/test_random_policies.py
	$(BIN)/python tools/attacks.py

check: .venv/development.stamp
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kangshu services check
	$(BIN)/python tools/mission.py --check
	$(BIN)/python tools/compact_definitions.py --check
	$(BIN)/python tools/reference.py --check
	$(BIN)/python tools/service_lines.py --check
	$(BIN)/python tools/grammar.py --check
	$(BIN)/python tools/attacks.py --check
	$(BIN)/python tools/sbom.py --check
	$(BIN)/python tools/dependency_audit.py --check

format: .venv/development.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/development.stamp
	$(BIN)/python tools/mission.py
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/service_lines.py
	$(BIN)/python tools/grammar.py
	$(BIN)/python tools/attacks.py
	$(BIN)/python tools/sbom.py

advisories: .venv/development.stamp
	$(BIN)/python tools/dependency_audit.py

bench: .venv/development.stamp
	$(BIN)/python bench/run.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
