# What one does with this checkout. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help demo test check figures schema install-judges

# Node.js that the judges' installer may have fetched stands before the machine's own.
export PATH := $(CURDIR)/tests/judges/.node/bin:$(PATH)

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: ## Run the service on a simulated shop: no account, no Redis, no configuration
	cargo run --locked --quiet -- demo

test: install-judges ## Install what the tests need and run all of them
	@if cargo nextest --version >/dev/null 2>&1; then \
		cargo nextest run --workspace --locked --profile $(or $(NEXTEST_PROFILE),default); \
	else \
		cargo test --workspace --locked --lib --bins --tests; \
	fi
	cargo test --workspace --locked --doc

check: ## Every check that CI runs, without installing anything but the tests' needs
	.ci/run --no-install

figures: ## Measure the figures of the README on this machine (about two minutes)
	cargo bench --locked --bench figures

schema: ## Trim Shopify's schema to what the simulator uses, after a document changed
	node simulator/schema/trim.mjs

install-judges: ## Install redis-server, Node.js and the outside judges where they are missing
	@tests/install.sh
