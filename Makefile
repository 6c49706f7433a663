# What one does with this checkout. Needs a Rust toolchain and make (Debian: apt-get install make).

.DEFAULT_GOAL := help
.PHONY: help demo test run-tests check image simulate-days figures schema

# First a newer Node.js, where tests/install.sh had to fetch one; last rustup's programs, for a shell that does not know them yet.
export PATH := $(CURDIR)/tests/judges/.node/bin:$(PATH):$(HOME)/.cargo/bin

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: ## Run the service on a simulated shop: no account, no Redis, no configuration
	@command -v cc >/dev/null || { echo 'Rust needs a C compiler to link with (Debian: apt-get install gcc libc6-dev)' >&2; exit 1; }
	@cargo run --locked -- demo

test: ## Install what the tests need and run all of them
	@tests/install.sh
	@$(MAKE) --no-print-directory run-tests

run-tests: ## Run all tests on what is installed
	@if cargo nextest --version >/dev/null 2>&1; then \
	  set -x; cargo nextest run --workspace --locked; \
	else \
	  set -x; cargo test --workspace --locked --lib --bins --tests; \
	fi
	cargo test --workspace --locked --doc

check: ## Run every check that CI runs, without installing anything
	@.ci/run --no-install

image: ## Build the container image of the service, without the simulator (TAG=shopify-warmer:local)
	docker build --tag $(or $(TAG),shopify-warmer:local) --build-arg REVISION="$$(git rev-parse HEAD)" .

# SEED and DAYS change every scenario, ONLY runs one; a run that fails prints them.
simulate-days: ## Run days of the service in virtual time, with everything that goes wrong (SEED=n DAYS=14 ONLY=calm)
	DAYS_SEED=$(SEED) DAYS=$(or $(DAYS),14) cargo test --locked --release --test days -- --nocapture --test-threads=1 $(ONLY) $(and $(ONLY),--exact)

figures: ## Measure the figures of the README on this machine
	cargo bench --locked --bench figures

schema: ## Cut Shopify's schema to what our documents use, after one of them changed
	node simulator/schema/trim.mjs
