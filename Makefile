# The commands of everyday; `cargo xtask --help` lists the finer ones.

.PHONY: run test test-hardware bench soak soak-cable soak-links soak-visitors soak-class ready

# Options of `isrlab serve`, such as ARGS=--lan
ARGS ?=
# The attached board of test-hardware, such as PORT=/dev/ttyACM0
PORT ?=
# Official MicroPython for that board, such as IMAGE=ESP32_GENERIC-20250415-v1.25.0.bin; else it gets the lesson firmware
IMAGE ?=
# Lessons for test-hardware, such as LESSONS="lost-update mutex"; else all of them
LESSONS ?=
# How many ports soak-cable opens right after flashing
ROUNDS ?= 200
# How many faulty links soak-links tries
LINKS ?= 300
# How long soak lets random guests run, soak-visitors hostile visitors, and soak-class a class of 300 (which needs root)
SECONDS ?= 600

run: ready
	@cargo xtask run -- $(ARGS)

test: ready
	@cargo xtask test

test-hardware: ready
	@test -n "$(PORT)" || { echo "Name the board's serial port: make test-hardware PORT=/dev/ttyACM0" >&2; exit 1; }
	@cargo xtask hardware "$(PORT)" $(if $(IMAGE),--image "$(IMAGE)") $(LESSONS)

bench: ready
	@cargo xtask bench

soak: ready
	@cargo xtask soak $(SECONDS)

soak-cable: ready
	@cargo xtask soak-cable $(ROUNDS)

soak-links: ready
	@cargo xtask soak-links $(LINKS)

soak-visitors: ready
	@cargo xtask soak-visitors $(SECONDS)

soak-class: ready
	@cargo xtask soak-class $(SECONDS)

# cargo xtask installs whatever else is missing, but to be built it needs a Rust toolchain and a linker.
RUST_VERSION := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
ready:
	@command -v cargo >/dev/null && command -v rustc >/dev/null || { \
		echo "ISR Lab is built with Rust $(RUST_VERSION) or newer, and no cargo is in PATH: install Rust (https://rustup.rs), open a new shell and run make again." >&2; exit 1; }
	@have=$$(rustc --version | cut -d ' ' -f 2 | cut -d - -f 1); \
	test "$$(printf '%s\n' "$(RUST_VERSION)" "$$have" | sort -V | head -n 1)" = "$(RUST_VERSION)" || { \
		echo "ISR Lab is built with Rust $(RUST_VERSION) or newer, and this is $$have: run 'rustup update' and make again." >&2; exit 1; }
	@command -v cc >/dev/null || { \
		command -v apt-get >/dev/null || { echo "Rust links with a C compiler, and no cc is in PATH: install gcc and run make again." >&2; exit 1; }; \
		echo "==> Installing gcc, with which Rust links"; \
		if [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
		$$as_root apt-get -q update && $$as_root apt-get -q install -y --no-install-recommends gcc libc6-dev; }
	@cargo build --locked --package xtask
