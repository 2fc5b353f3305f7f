# The commands of the project. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# every process would otherwise compile the package anew
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help refresh ui test reliability bench lint pictures clean

help:  ## List the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12
	@echo
	@echo "make refresh SOURCES=../shared/data     folders of official files, separated by commas"
	@echo "make refresh SOURCES=official           the official files, downloaded; also beside folders"
	@echo "make refresh ARGS='--accept CHECK --reason TEXT'   see ogp-pipeline refresh --help"

refresh: $(READY)  ## Set up and run the main job, on the synthetic sample or on SOURCES=...
	@OGP_SOURCES="$(SOURCES)" $(BIN)/ogp-pipeline refresh $(ARGS)

ui: $(READY)  ## Open Dagster on http://127.0.0.1:3000, with the nightly schedule running
	@$(BIN)/ogp-pipeline ui $(ARGS)

test: lint  ## Set up and pass the tests (installs Debian's chromium for the page tests where it may)
	@sh docs/install_chromium.sh
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

reliability: $(READY)  ## Print what holds under fault, at scale and against hostile input (within 20 minutes)
	@sh docs/install_chromium.sh
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --reliability full ogp_pipeline_tests/reliability \
		ogp_pipeline_tests/test_upgrade.py $(ARGS)

bench: $(READY)  ## Measure speed and growth beside other ways, in one table (within 20 minutes)
	$(BIN)/python -m benchmarks $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

pictures: $(READY)  ## Take the pictures of the README anew: make pictures SOURCES=...
	@sh docs/install_chromium.sh
	$(BIN)/python docs/take_pictures.py $(SOURCES)

clean:  ## Remove the virtual environment and caches; data/ stays
	rm -rf $(VENV) .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# made again only when the lock changed
$(READY): constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
