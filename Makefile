# Everything sets itself up in .venv on a machine with Python 3.11 or newer, pip and make.
#
#   make demo    the whole pipeline on synthetic characters: all variants, tables, report
#   make lesson  implementing convolutional networks, with costs measured on this machine: NAME=demo
#   make status  how a sweep stands: NAME=demo, also ARGS="--watch 5"
#   make report  the report of what there is by now, without training: NAME=demo
#   make plan    the further runs that decide most claims in HOURS=10 hours: NAME=paper
#   make publish what others need to check NAME=paper, into results/published and README.md
#   make test    the tests
#   make exercises    checks your own layers, exercises/my_layers.py, against the project's
#   make soak    kills KILLS=100 trainings at random moments; each must end with the same bits
#   make check-reference    trains a little on EMNIST_ARCHIVE; fails if accuracy was lost
#   make bench   speed of training beside a plain loop, into benchmarks/results
#   make paper   the paper on official EMNIST (downloads 560 MB; hours on a GPU)
#   make slurm   Snakemake's plugin for Slurm, into .venv (docs/cluster.md)
#   make browser playwright, into .venv: with Chromium, the tests open the pages in it
#   make release code, configuration and published results as an RO-Crate, into dist
#   make lint    style, types and workflow checks
#   make lock    refresh requirements.lock from pyproject.toml
#
# CORES=4 limits the processor cores, ARGS="..." is handed to snakemake or pytest,
# PIP_ARGS="..." to pip (README, "A CUDA or CPU build of PyTorch").

PYTHON ?= python3
CORES ?= all
KILLS ?= 100
ARGS ?=
PIP_ARGS ?=
NAME := demo
HOURS := 10
VENV := .venv
INSTALLED := $(VENV)/installed
CONFIGURATION = $(if $(filter paper,$(NAME)),,--configfile config/$(NAME).yaml)
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: demo lesson status report plan publish test exercises soak check-reference bench paper slurm browser release release-tools lint install lock clean
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	snakemake --cores $(CORES) --configfile config/demo.yaml $(ARGS)
	@echo "The report: $(CURDIR)/results/demo/report.html"

lesson: $(INSTALLED)
	snakemake lesson --cores $(CORES) $(CONFIGURATION) $(ARGS)
	@echo "The lesson: $(CURDIR)/results/$(NAME)/lesson.html"

paper: $(INSTALLED)
	snakemake --cores $(CORES) $(ARGS)
	@echo "The report: $(CURDIR)/results/paper/report.html"

status:
	@$(PYTHON) scripts/status.py results/$(NAME) $(ARGS)

report: $(INSTALLED)
	python scripts/report_now.py results/$(NAME)
	@echo "The report: $(CURDIR)/results/$(NAME)/report.html"

plan: $(INSTALLED)
	python scripts/plan.py results/$(NAME) --hours $(HOURS)

publish: $(INSTALLED)
	python -m tools.publish results/$(NAME) $(ARGS)
	python -m tools.summarise results/published/$(NAME) --readme README.md

test: $(INSTALLED)
	python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

exercises: $(INSTALLED)
	python -m pytest -rs exercises $(ARGS)

soak: $(INSTALLED)
	python tests/soak.py --kills $(KILLS) $(ARGS)

check-reference: $(INSTALLED)
	python -m benchmarks.check_reference $(ARGS)

bench: $(INSTALLED)
	python -m benchmarks.bench $(ARGS)

release: release-tools
	python -m tools.release $(ARGS)

slurm browser release-tools: $(INSTALLED)
	python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock $$(python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["$(@:-tools=)"])')

lint: $(INSTALLED)
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=scripts lint-imports
	snakefmt --check Snakefile workflow
	snakemake --lint --configfile config/demo.yaml
	python -m tools.document_config --check

install: $(INSTALLED)

$(INSTALLED): requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --requirement requirements.lock
	touch $@

lock:
	rm -rf $(VENV).lock
	$(PYTHON) -m venv $(VENV).lock
	$(VENV).lock/bin/python -m pip install --quiet $(PIP_ARGS) $$($(PYTHON) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*p["dependencies"], *p["optional-dependencies"]["dev"])')
	( echo "# All packages, exactly; made by make lock."; \
	  $(VENV).lock/bin/python -m pip freeze | sed 's/+cpu$$//' | grep -v -E '^(nvidia-|triton|cuda-)' ) > requirements.lock
	rm -rf $(VENV).lock

clean:
	rm -rf $(VENV) $(VENV).lock .snakemake
