PYTHON ?= python3
DOCKER ?= docker
UV ?= uv
IMAGE ?= torbox-bridge
BIN := .venv/bin

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The environment with everything a developer needs; made anew when pyproject.toml changes.
$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

.PHONY: demo
demo: $(BIN)/.installed ## See the whole thing work on this machine, without a TorBox key
	$(BIN)/torbox-bridge demo $(ARGS)

.PHONY: run
run: $(BIN)/.installed ## Run the bridge (ARGS="--config config.yaml")
	$(BIN)/torbox-bridge run $(ARGS)

.PHONY: test
test: $(BIN)/.installed ## Run the tests (ARGS="tests/core -x")
	$(BIN)/pytest -q $(ARGS)

.PHONY: lint
lint: $(BIN)/.installed ## Check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: format
format: $(BIN)/.installed ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: ci
ci: ## Run everything that CI runs
	bash .ci/run

.PHONY: image
image: ## Build the container image (DOCKER=podman works too)
	$(DOCKER) build --tag $(IMAGE) $(ARGS) .

.PHONY: image-try
image-try: 
image-demo: ## Run the demo in the image: read-only, as a user the image does not know
	$(DOCKER) run --rm --read-only --tmpfs /tmp --user 12345:12345 $(IMAGE) demo

.PHONY: lock
lock: ## Bring requirements.lock up to date (needs uv)
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --upgrade \
	  --output-file requirements.lock pyproject.toml

.PHONY: clean
clean: ## Remove caches and build output; .venv stays
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
