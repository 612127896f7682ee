# The whole developer interface. `make run` and `make test` do all the set-up.
.PHONY: setup run test lint lock

setup:
	@./setup.sh

run: setup
	@.venv/bin/gridpatrol run --demo

test: setup lint
	@.venv/bin/pytest -q -n 2 --dist loadscope tests

lint: setup
	@.venv/bin/ruff check . && .venv/bin/ruff format --check -q . && .venv/bin/pyright && .venv/bin/lint-imports --no-cache > .venv/imports.log || { cat .venv/imports.log; exit 1; }

lock:
	@.venv/bin/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header -q -o requirements.lock
