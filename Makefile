# make demo: the main job. make test, make check, make ui, make bench NAME=...
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check format ui bench slow browser golden lock clean

demo: $(READY)
	@$(BIN)/mill up --recipe demo

test: $(READY)
	$(BIN)/python -m pytest -m "not browser and not slow" -n 2

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

ui: $(READY)
	@$(BIN)/mill ui --recipe demo

slow: $(READY)
	$(BIN)/python -m pytest -m "slow and not browser"

browser: $(READY)
	$(BIN)/python -m pytest -m browser tests/browser

bench: $(READY)
	$(BIN)/python -m tests.bench.$(NAME)

# After a change that is meant to change the graph or the schema: write what tests compare with, and read the difference.
golden: $(READY)
	$(BIN)/mill graph --recipe smoke > tests/golden/smoke_graph.txt
	$(BIN)/mill graph --recipe demo > tests/golden/demo_graph.txt
	$(BIN)/mill schema > pipelines/recipes/recipe.schema.json
	$(BIN)/mill reference > pipelines/recipes/reference.md

# The torch wheel is left to pip, which finds a build for this machine; uv installs all else from the lock, and leaves bytecode to the first
# import: here it is, whatever the environment says of keeping it, since half of the start of a command goes into compiling what it imports.
$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 "$$(grep '^torch==' requirements.lock)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirements requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -W ignore -c "import great_expectations, dagster_webserver, spacy.lang.en, transformers.models.llama.modeling_llama, pipelines.definitions, pipelines.planning.bring_up"
	@touch $@

# What is locked stays so; MORE=--upgrade takes newer ones. CUDA libraries are left out: torch names those that its own build needs.
lock:
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --quiet --no-header --no-annotate $(MORE) \
	  --output-file requirements.lock
	sed -i -E '/^(cuda|nvidia)/d' requirements.lock

clean:
	rm -rf .mill $(VENV)
