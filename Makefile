# One door to the project. The work is done by the scripts in tools/.

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## a sample company on this machine, to click through; Ctrl-C ends it
	@tools/demo.sh

walkthrough: ## the same story by itself, step by step, with evidence
	@tools/demo.sh --walkthrough

test: ## everything that must hold; the last line is the sum
	@tools/test.sh

check: ## formatting, lints, docs, arrows, sizes, links (part of test)
	@tools/check.sh

bench: ## measure beside anchors, on this machine (BENCH=NAME for one)
	@tools/bench.sh $(BENCH)

fuzz: ## every parser of foreign bytes (FUZZ_SECONDS=60 for each)
	@tools/fuzz.sh $(TARGET)

deps: ## Debian, Node and Python packages that the demo and the tests use (YES=1: do not ask)
	@tools/deps.sh test
	@tools/npm.sh
	@tools/python.sh
	@tools/clients.sh

.PHONY: help demo walkthrough test check bench fuzz deps
