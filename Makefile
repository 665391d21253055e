# Build, test and install sandboxctl. `make help` lists the targets.

DESTDIR ?=
PREFIX ?= /usr/local
CONFIGURATION ?= release
BUILD_DIR ?= .build/$(CONFIGURATION)
INSTALL ?= install

# --static-swift-stdlib: a host that runs sandboxctl needs no Swift.
SWIFT_BUILD = swift build --configuration $(CONFIGURATION) --static-swift-stdlib
STRIP = $(if $(filter release,$(CONFIGURATION)),-Xlinker -s)
PRODUCTS = sandboxctl sandbox-init sandbox-launch sandbox-copy sandbox-gateway
HELPERS = $(filter-out sandboxctl,$(PRODUCTS))
SHELL = /bin/bash

.DEFAULT_GOAL := help

.PHONY: help
help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: deps
deps: ## Install the Debian packages that building and testing need, if any is missing
	@.ci/deps

.PHONY: build
build: ## Build the command and its helpers (CONFIGURATION=release)
	@for product in $(PRODUCTS); do $(SWIFT_BUILD) $(STRIP) --product $$product || exit 1; done

.PHONY: test
test: deps ## Everything: lint, unit tests, the suite in the lab and in the virtual machine
	@.ci/test

.PHONY: unit
unit: ## Unit tests only
	swift test

.PHONY: fuzz
fuzz: ## Fuzz every parser of outside text, 10 minutes each
	Tests/Fuzz/run

.PHONY: system
system: build ## The black-box suite in the lab, on Debian 12 and 13
	Tests/System/run bookworm
	Tests/System/run trixie

.PHONY: vm
vm: build ## The tests of limits and reboots, in a virtual machine
	Tests/System/run-vm

.PHONY: demo
demo: deps build ## A sandbox on a copy of this repository: build inside, posture, reset, remove
	@Tests/Lab/demo

.PHONY: bench
bench: build ## Compare with peers, in one run
	Benchmarks/run
	Benchmarks/run network

.PHONY: lint
lint: ## Formatting, shell scripts, man pages
	@.ci/lint

.PHONY: install
install: ## Install below DESTDIR/PREFIX what was built
	@for product in $(PRODUCTS); do \
	    test -x $(BUILD_DIR)/$$product || { echo "$(BUILD_DIR)/$$product is missing: run 'make build' first" >&2; exit 1; }; done
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/sandboxctl $(DESTDIR)$(PREFIX)/share/sandboxctl/templates/presets \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(INSTALL) -m 755 $(BUILD_DIR)/sandboxctl $(DESTDIR)$(PREFIX)/bin/
	for helper in $(HELPERS); do $(INSTALL) -m 755 $(BUILD_DIR)/$$helper $(DESTDIR)$(PREFIX)/libexec/sandboxctl/ || exit 1; done
	$(INSTALL) -m 644 templates/*.toml $(DESTDIR)$(PREFIX)/share/sandboxctl/templates/
	$(INSTALL) -m 644 templates/presets/*.toml $(DESTDIR)$(PREFIX)/share/sandboxctl/templates/presets/
	$(INSTALL) -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	$(INSTALL) -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	$(INSTALL) -m 644 completions/sandboxctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sandboxctl
	$(INSTALL) -m 644 completions/_sandboxctl $(DESTDIR)$(PREFIX)/share/zsh/site-functions/
	$(INSTALL) -m 644 completions/sandboxctl.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/

.PHONY: uninstall
uninstall: ## Remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/sandboxctl $(DESTDIR)$(PREFIX)/share/man/man1/sandboxctl.1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5/sandbox-template.5 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sandboxctl \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_sandboxctl \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/sandboxctl.fish
	rm -rf $(DESTDIR)$(PREFIX)/libexec/sandboxctl $(DESTDIR)$(PREFIX)/share/sandboxctl

.PHONY: clean
clean: ## Remove what was built; the lab's cached roots stay ('Tests/Lab/lab clean' removes them)
	rm -rf .build .build-failpoints .build-fuzz
