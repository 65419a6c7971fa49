# Every target that is meant for people has a `## text`, which `make help` prints.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# `test` installs its tools before it checks, also under `make -j`; cargo uses all cores by itself.
.NOTPARALLEL:

# cargo's own bin folder, where `tools` installs, is not on every PATH.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: require-cargo ## build and serve on http://127.0.0.1:8000 (more: make run ARGS="--listen 127.0.0.1:9000")
	cargo build --release --locked --package terse
	exec $(or $(CARGO_TARGET_DIR),target)/release/terse serve $(ARGS)

.PHONY: test
test: tools check ## run everything that must pass: checks, every test, coverage; installs what is missing
	scripts/check-alerts
	scripts/check-nginx
	scripts/run-tests

.PHONY: check
check: require-cargo ## the quick checks: formatting, lints, documentation, dependencies; no tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --package terse-server --bench instructions --features bench-internals --locked -- -D warnings
	cargo clippy --workspace --all-targets --features terse/otlp --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked
	@cargo deny --version > /dev/null 2>&1 || { echo "cargo-deny is missing: make tools installs it" >&2; exit 1; }
	cargo fetch --locked
	cargo deny --offline --log-level error check bans licenses sources

.PHONY: fmt
fmt: require-cargo ## format the code
	cargo fmt --all

.PHONY: coverage
coverage: tools ## run every test and write an HTML report of the lines that none reached
	scripts/run-tests html

.PHONY: bench
bench: require-cargo ## measure everything in docs/performance.md, in ratios to nginx; installs what is missing; 15 minutes
	scripts/install-bench-tools
	cargo build --release --locked --package terse
	bench/redirect
	bench/latency
	bench/growth
	bench/memory
	bench/creation
	bench/sync

.PHONY: instructions
instructions: tools ## count the instructions of the hot path under valgrind: none may grow by 3 %; 5 minutes when nothing is built yet
	bench/instructions

.PHONY: attack
attack: require-cargo ## slow and idle clients by the thousand, and what they do to redirects; installs what is missing; 5 minutes
	scripts/install-bench-tools
	cargo build --release --locked --package terse
	bench/attack

.PHONY: cluster
cluster: tools ## run nginx on 8000, three replicas, PostgreSQL with a standby, Redis with Sentinels, until Ctrl-C (CLUSTER_DIR keeps data)
	cargo build --release --locked --package terse
	exec scripts/cluster $(CLUSTER_DIR)

.PHONY: load
load: tools ## users on such a cluster: the original's load test, then more; its figures beside ours; 6 minutes
	scripts/install-bench-tools
	cargo build --release --locked --package terse
	bench/users

.PHONY: torture
torture: tools ## kill -9 a server under load hundreds of times, in each step and in folds, and reconcile every click (TORTURE_KILLS, TORTURE_SEED)
	TORTURE_KILLS=$${TORTURE_KILLS:-300} cargo test --locked --package terse --test it -- --exact --nocapture \
		torture::nothing_that_was_acknowledged_is_lost_or_doubled_by_sigkill \
		torture::steps::nothing_that_was_acknowledged_is_lost_or_doubled_by_a_kill_in_any_step \
		torture::folds::nothing_is_lost_or_counted_twice_by_a_kill_in_a_fold

.PHONY: faults
faults: tools ## break a cluster under load in twenty ways, one after the other, and judge what it costs (docs/reliability.md); 6 minutes once it is built
	scripts/faults

.PHONY: fuzz
fuzz: require-cargo ## look for inputs that break what must hold, FUZZ_SECONDS (60) for each target; needs a nightly toolchain
	scripts/fuzz

.PHONY: openapi
openapi: require-cargo ## write docs/openapi.json from the code
	cargo run --quiet --locked --package terse -- openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

.PHONY: tools
tools: ## install what `make test` needs and is missing (Debian, Ubuntu; cargo tools anywhere)
	scripts/install-tools

.PHONY: clean
clean: require-cargo ## remove everything that was built
	cargo clean

.PHONY: require-cargo
require-cargo:
	@command -v cargo > /dev/null || { \
		echo "Rust is missing. Install it from https://rustup.rs (one command), then run make again." >&2; \
		exit 1; }
