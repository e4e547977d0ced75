# Two commands matter: `make run` and `make test`. Both install the Debian packages they miss and say so.

SWIFT ?= swift
# Debian packages that the build links against, and the tools that the tests drive.
BUILD_PACKAGES = libsystemd-dev zlib1g-dev libzstd-dev libbz2-dev libsnappy-dev libre2-dev libvectorscan-dev libxxhash-dev \
                 libyaml-dev pkg-config g++
TEST_PACKAGES  = systemd-journal-remote zstd python3
BENCH_PACKAGES = zstd ripgrep python3
RELEASE = -c release --static-swift-stdlib
# Tests are built beside the release, so that neither build throws the other away.
TEST    = -c release -Xswiftc -enable-testing --scratch-path .build/tests
BIN     = .build/release/tailrace
DATA   ?= ./tailrace-data
LISTEN ?= 127.0.0.1:3100

.PHONY: help run test deps test-deps toolchain release bench fmt lint torture fuzz deb dist clean

help:
	@echo "make run      build, then tail, redact, store and serve the shipped samples on $(LISTEN)"
	@echo "make test     all tests"
	@echo "make release  the binary: $(BIN)"
	@echo "make bench    throughput figures      make torture  long fault tests      make fmt lint"
	@echo "make fuzz     libFuzzer on every reader of outside bytes, FUZZ_SECONDS=600 each"

toolchain:
	@command -v $(SWIFT) >/dev/null 2>&1 || { \
	  echo "No Swift toolchain found. Install Swift 6.3 or later from https://www.swift.org/install/linux/ (Debian 12) and put"; \
	  echo "its usr/bin on PATH, or name it: make SWIFT=/opt/swift/usr/bin/swift $(MAKECMDGOALS)"; exit 1; }

# Installs what is missing; without root prints the line and stops. Idempotent, needs no terminal.
define install
	@missing=""; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q "install ok installed" || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then \
	    echo "Installing Debian packages:$$missing"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	  else echo "These Debian packages are missing; install them and run again:"; echo "  sudo apt-get install -y$$missing"; exit 1; fi; \
	fi
endef

deps: toolchain
	$(call install,$(BUILD_PACKAGES))

test-deps: deps
	$(call install,$(TEST_PACKAGES))

release: deps
	$(SWIFT) build $(RELEASE) --product tailrace

run: release
	@$(BIN) samples --directory samples/live --if-missing
	@$(BIN) samples --directory samples/live --follow & \
	exec $(BIN) up --config pipelines/llm-api.yaml --data $(DATA) --listen $(LISTEN)

test: test-deps
	$(SWIFT) build --build-tests $(TEST)
	$(SWIFT) test $(TEST) --skip-build --skip EndToEndTests --skip LogServerTests
	@# Sockets with time limits, which long tests of the store would starve of the two threads of a small machine.
	$(SWIFT) test $(TEST) --skip-build --filter LogServerTests
	@# These start processes and measure nothing but wait for them: one after the other, so that they have the machine.
	$(SWIFT) test $(TEST) --skip-build --no-parallel --filter EndToEndTests

# LINES=700000 RUNS=3; BENCH="FILE --json OUT" measures lines of your own. How the store does when busy, cold or large: Benchmarks/operational.
bench: release
	$(call install,$(BENCH_PACKAGES))
	Benchmarks/run $(BIN) $(BENCH)

fmt: toolchain
	$(SWIFT) format format --in-place --recursive --parallel Sources Tests Package.swift

lint: toolchain
	$(SWIFT) format lint --recursive --parallel Sources Tests Package.swift

torture: test-deps
	$(SWIFT) build --build-tests $(TEST)
	TAILRACE_TORTURE=1 $(SWIFT) test $(TEST) --skip-build --no-parallel

# A package of its own: all modules are built anew with coverage and AddressSanitizer.
fuzz: deps
	$(SWIFT) build --package-path Tests/Fuzz -c release --scratch-path .build/fuzz
	Tests/Fuzz/run .build/fuzz/release/fuzz

deb dist:
	@echo "'make $@' comes with the packaging work; 'make release' builds the binary."; exit 1

clean:
	rm -rf .build
