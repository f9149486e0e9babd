PYTHON ?= python3
DOCKER ?= docker
UV ?= uv
IMAGE ?= torbox-bridge
BIN := .venv/bin

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The environment with everything a developer needs; installed again when the lists change.
$(BIN)/.installed: pyproject.toml requirements-dev.lock
	PYTHON=$(PYTHON) scripts/setup
	@touch $@

.PHONY: demo
demo: $(BIN)/.installed ## Play two whole downloads on this machine, without a TorBox key
	$(BIN)/torbox-bridge demo $(ARGS)

.PHONY: run
run: $(BIN)/.installed ## Run the bridge (ARGS="--config config.yaml")
	$(BIN)/torbox-bridge run $(ARGS)

.PHONY: test
test: $(BIN)/.installed ## Run the tests (ARGS="tests/core -x")
	scripts/test $(ARGS)

.PHONY: coverage
coverage: $(BIN)/.installed ## Run the tests and report the branch coverage
	scripts/coverage $(ARGS)

.PHONY: lint
lint: $(BIN)/.installed ## Check style, format and types
	scripts/lint

.PHONY: format
format: $(BIN)/.installed ## Format the code and fix what can be fixed
	scripts/format

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
lock: ## Bring both lock files up to date (needs uv)
	UV=$(UV) scripts/lock --upgrade

.PHONY: clean
clean: ## Remove caches and build output; .venv stays
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* coverage.xml
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
