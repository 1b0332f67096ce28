# Two commands are enough for a newcomer: `make demo` and `make test`. Each installs what is missing first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/build/tools/node/bin:$(PATH)
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
JOBS ?= $(shell nproc)

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup-build:
	@tools/setup.sh build
setup-test:
	@tools/setup.sh test

build: setup-build ## The hardened release program, build/release/src/server/terreno
	@cmake --preset release -DTERRENO_TESTS=OFF >/dev/null && cmake --build build/release -j $(JOBS)

demo: build ## Start Terreno with a fictional organisation on http://localhost:8080 (PORT=… for another)
	@exec build/release/src/server/terreno demo --organisation $${ORGANISATION:-raices} --listen 127.0.0.1:$${PORT:-8080}

test: setup-test ## Build and run every test, then again under ASan and UBSan; any failure fails it
	@tools/test.sh

bench: setup-test ## Run every benchmark; results in build/bench/results/
	@tools/bench.sh

fmt: setup-test ## Format the source
	@git ls-files '*.h' '*.cpp' | xargs clang-format-19 -i

lint: setup-test ## clang-tidy, the console's lint and the source-reading test
	@tools/lint.sh

sanitize: setup-test ## ASan+UBSan and TSan over every test
	@tools/sanitize.sh

soak: setup-test ## Storms and simulations with new seeds for SOAK_SECONDS (60)
	@tools/soak.sh

fuzz: setup-test ## Every fuzz target for FUZZ_SECONDS (60) each
	@tools/fuzz.sh

clean: ## Remove what was built, keep what was installed
	@rm -rf build/dev build/release build/bench build/simulation build/asan build/tsan build/fuzz console/dist
