# make help lists everything a person does here. PYTHON=… in the environment is for deploy/setup.
SHELL := /bin/bash
VENV_PYTHON := .venv/bin/python
# two more than there are cores: many tests wait for a process that they started
TEST_WORKERS ?= $(shell echo $$(( $$(nproc) + 2 )))
.DEFAULT_GOAL := help
# threads of numpy and OpenCV would only stand in the way of the other workers
export OPENBLAS_NUM_THREADS = 1
test fuzz torture: export OPENCV_FOR_THREADS_NUM = 1
.PHONY: help demo kiosk drill test fuzz torture hil check format flow screens bench doctor install clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  options go through ARGS: make demo ARGS="--citizens 3 --pcsc"; make bench ONLY=kiosk'

demo: ## a made-up citizen walks from the greeting to a working card (ARGS="--help")
	@deploy/setup run
	@.venv/bin/kiosk demo $(ARGS)

kiosk: ## the virtual station in your browser, on 127.0.0.1
	@deploy/setup run
	@.venv/bin/kiosk station $(ARGS)

drill: ## a box fails while it writes a chip, a spare takes its place; the ledger's proof at the end
	@deploy/setup run
	@.venv/bin/kiosk drill $(ARGS)

test: ## unit tests and the contracts on virtual and recorded devices
	@deploy/setup test
	@$(VENV_PYTHON) -m pytest -n $(TEST_WORKERS) --dist worksteal $(ARGS)

fuzz: ## every parser and protocol against bent bytes, for long (EXAMPLES=20000)
	@deploy/setup test
	@IDKIOSK_FUZZ=$(or $(EXAMPLES),20000) $(VENV_PYTHON) -m pytest -n $(TEST_WORKERS) -k "fuzz or hostile" \
		tests/unit/chip tests/unit/document tests/unit/issue $(ARGS)

torture: ## cards, disks and processes torn everywhere, for long
	@deploy/setup test
	@IDKIOSK_TORTURE=1 $(VENV_PYTHON) -m pytest -n $(TEST_WORKERS) -m torture $(ARGS)

hil: ## the contracts on what is plugged in (IDKIOSK_HIL=devices.toml), virtual for the rest
	@deploy/setup test
	@$(VENV_PYTHON) -m pytest tests/hil -v $(ARGS)

check: ## what CI runs first: format, lint, types, import contracts, pages made from data
	@deploy/setup test
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	$(VENV_PYTHON) -m statemachine.diagram | diff -u docs/flow.md -
	$(VENV_PYTHON) -m config.catalogue | diff -u docs/errors.md -

format: ## format and mend what can be mended
	@deploy/setup test
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

flow: ## draw docs/flow.md from the table
	@deploy/setup run
	$(VENV_PYTHON) -m statemachine.diagram > docs/flow.md

screens: ## refresh the golden pictures and write the gallery to var/screens
	@deploy/setup run
	$(VENV_PYTHON) -m ui_fb.gallery tests/unit/ui_fb/golden --golden
	$(VENV_PYTHON) -m firmware.sim.gallery var/screens

bench: ## measure (ONLY=kiosk, chip, finger, portrait, records or box for one group); results in var/bench/results.jsonl
	@deploy/setup test
	@$(VENV_PYTHON) -m benchmarks $(ONLY)

doctor: ## open every configured device and measure it (ARGS="--virtual --json")
	@deploy/setup run
	@.venv/bin/kiosk doctor $(ARGS)

install: ## on a Pi, as root: user, udev rules, service
	@deploy/install $(ARGS)

clean: ## remove what was made here: the environment, tools and var
	rm -rf .venv .tools var
