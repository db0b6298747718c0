# Each target installs what it needs in .venv; files outside this folder are not changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake
CORES ?= $(shell env -u OMP_NUM_THREADS nproc)  # nproc would return OMP_NUM_THREADS
export OMP_NUM_THREADS ?= 1

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: help setup dev demo test slurm-test bench bench-gpu gpu-test models lint

help:
	@echo "make setup        what the study needs, in .venv (2 GB, or 7 GB with PyTorch for CUDA); then: source .venv/bin/activate"
	@echo "make demo         the study at a small size on real scans -> results/demo/report.html"
	@echo "make test         unit tests and the smoke study"
	@echo "make slurm-test   the smoke study on a real SLURM cluster, started on this machine (root, Debian)"
	@echo "make bench        speed of every stage on this machine, next to plain use of the libraries (2½ minutes)"
	@echo "make bench-gpu    the same at the article's size, on a GPU (PYTHON=… as for gpu-test)"
	@echo "make gpu-test     tests that need a GPU, in 4 minutes (PYTHON=… for an interpreter that has the packages)"
	@echo "make models       parameters and GFLOP of every network at the article's size"
	@echo "make lint         checks that CI runs before the tests"

setup: $(VENV)/.ready
dev: $(VENV)/.dev

# All that is needed is pinned, so nothing is resolved; PyTorch alone may bring the libraries of a GPU.
$(VENV)/.ready: envs/requirements.txt envs/torch.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --no-deps -r envs/requirements.txt
	$(PIP) install -r envs/torch.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(PIP) check
	touch $@

$(VENV)/.dev: $(VENV)/.ready envs/dev.txt
	$(PIP) install --require-hashes --no-deps -r envs/dev.txt
	touch $@

# Removes the locks of a killed study. A running study keeps its locks, and Snakemake refuses to write the same files.
demo: setup
	if $(BIN)/python -m benchmark.cluster.locks; then $(SNAKEMAKE) --configfile config/demo.yaml --quiet rules --unlock; fi
	$(SNAKEMAKE) --configfile config/demo.yaml --cores $(CORES) --quiet rules
	$(SNAKEMAKE) --configfile config/demo.yaml --cores 1 --quiet rules progress host --report results/demo/report.html
	@echo "report: results/demo/report.html   tables: results/demo/tables/   figures: results/demo/figures/"

# A process for each core; the tests of a file share one process, and so what is costly to set up.
test: dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

slurm-test: dev
	tests/slurm/packages
	$(BIN)/python -m pytest tests/slurm -m slurm -o cache_dir=.pytest_cache/slurm $(SLURM_TEST)

bench: setup
	$(BIN)/python -m benchmark.bench

# With PYTHON on the command line there is no set-up: that interpreter has the packages, and PyTorch for its GPU.
GIVEN := $(filter command,$(origin PYTHON))
bench-gpu: $(if $(GIVEN),,setup)
	$(if $(GIVEN),PYTHONPATH="$(CURDIR)/workflow:$$PYTHONPATH" $(PYTHON),$(BIN)/python) -m benchmark.bench --gpu $(BENCH_GPU)

gpu-test: $(if $(GIVEN),,setup)
	$(if $(GIVEN),$(PYTHON),$(BIN)/python) tests/gpu $(GPU_TEST)

models: setup
	$(BIN)/python -m models.count

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(SNAKEMAKE) --lint
