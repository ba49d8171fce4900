# make setup    everything into .venv (PYTHON=/path/to/python chooses one of 3.11, 3.12, 3.13)
# make demo     ... and the demo shop, served
# make test     ... and all tests, browser tests too where Chromium can be had
# make lint     the checks that need no run
# make lock     pins again: after a change of the dependencies in pyproject.toml

BIN = .venv/bin
# Several at once by `make -j` would only fight over .venv.
.NOTPARALLEL:
.PHONY: setup demo test lint lock chromium bundler

setup:
	@sh requirements/setup.sh

demo: setup
	@$(BIN)/welltimed demo

test: setup chromium bundler lint
	$(BIN)/pytest

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

chromium:
	@sh requirements/chromium.sh

# Node is needed only to prove that the committed scripts are what the source builds.
bundler:
	@! command -v npm >/dev/null 2>&1 || (cd tracker_js && npm ci --ignore-scripts --silent) || \
		echo 'THE BUNDLER COULD NOT BE INSTALLED: whether dist/ is fresh is not checked' >&2

# One list for Python 3.11 to 3.13 and every platform; hashes, and no download addresses.
PIN = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: setup
	$(PIN) requirements/uv.in -o requirements/uv.txt
	$(PIN) requirements/build.in -o requirements/build.txt
	$(PIN) --extra dev pyproject.toml -o requirements/dev.txt
