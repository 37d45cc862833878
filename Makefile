# Across the Table. `make help` lists the commands.
# Only what is named in SETTINGS may be given on the command line.

SETTINGS := ARTICLES CODEBOOK GOLD OUT TITLE ONLY LINKS FROM INTO LIMIT LOCAL CONTACT PYTHON
INTO ?= collected
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

given := $(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $(v))),$(v)))
unknown := $(filter-out $(SETTINGS),$(given))
ifneq ($(unknown),)
$(error $(firstword $(unknown))= is not a setting here: use $(SETTINGS))
endif

.PHONY: report test lab bench notebooks pictures collect convert clean help
.DELETE_ON_ERROR:

report: $(VENV)/ready
	@$(RUN) reporting/build.py

help:
	@echo "make report      run every notebook and write reports/index.html; takes"
	@echo "                 ARTICLES=path CODEBOOK=folder GOLD=folder OUT=folder TITLE='words' ONLY=03,05"
	@echo "make collect     fetch LINKS=list of addresses, sitemap or feed INTO=folder; takes LIMIT=20 LOCAL=1 CONTACT=mail"
	@echo "make convert     turn FROM=export (Nexis Uni, RIS, Zotero, mbox) or folder of them INTO=folder"
	@echo "make test        run the tests"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make notebooks   run the notebooks on the articles of data/ and save them in place; takes ONLY=03,05"
	@echo "make pictures    make the report and the two pictures of the README"
	@echo "make bench       measure speed and memory beside nltk with pandas and beside spaCy (about an hour)"
	@echo "make clean       remove the environment and caches; reports/ stays"

test: $(VENV)/ready-to-test
	@env -u ARTICLES -u CODEBOOK -u GOLD -u OUT -u TITLE -u ONLY $(RUN) -m pytest -n 2 --dist worksteal

lab: $(VENV)/ready
	@$(RUN) -m jupyter lab --LabApp.extension_manager=readonly notebooks

notebooks: $(VENV)/ready
	@$(RUN) reporting/build.py --in-place

pictures: report $(VENV)/ready-to-test
	@$(RUN) reporting/pictures.py

bench: $(VENV)/ready-to-measure
	@$(RUN) benchmarks/bench.py

# These settings are read by the shell, not pasted into its line, for an address may hold any sign; and only from the command
# line, for LOCAL and the like may stand in an environment by chance.
unexport $(foreach v,LINKS FROM LIMIT LOCAL CONTACT,$(if $(filter environment,$(origin $(v))),$(v)))
collect convert: export INTO := $(INTO)
collect: $(VENV)/ready-to-collect
	@$(RUN) -m collecting.collect $${LIMIT:+--limit "$$LIMIT"} $${LOCAL:+--local} $${CONTACT:+--contact "$$CONTACT"} \
		-- "$${LINKS:?which list of addresses? make collect LINKS=data/links.csv}" "$$INTO"

convert: $(VENV)/ready-to-collect
	@$(RUN) -m collecting.convert -- "$${FROM:?which export? make convert FROM=file or folder}" "$$INTO"

clean:
	rm -rf $(VENV) .pytest_cache .hypothesis build *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

# The environment: made anew when requirements or project settings change.
$(VENV)/ready: requirements.txt pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo "Python is missing: install Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 python3-venv)." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: install Python 3.11 or newer, or name it: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: install it (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 2; }
	@echo "Preparing the environment in $(VENV) (some minutes, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install -qq --disable-pip-version-check -r requirements.txt
	@$(RUN) -c 'import matplotlib.font_manager'
	@$(RUN) -m jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" >/dev/null 2>&1
	@touch $@

$(VENV)/ready-to-collect: $(VENV)/ready collecting/requirements.txt
	@$(RUN) -m pip install -qq --disable-pip-version-check -r collecting/requirements.txt
	@touch $@

$(VENV)/ready-to-test: $(VENV)/ready-to-collect tests/requirements.txt
	@$(RUN) -m pip install -qq --disable-pip-version-check -r tests/requirements.txt
	@touch $@

$(VENV)/ready-to-measure: $(VENV)/ready benchmarks/requirements.txt
	@$(RUN) -m pip install -qq --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@
