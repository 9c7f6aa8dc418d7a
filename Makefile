# Two commands do all the set-up: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROVIDER := tests/oauth/provider
CLAUDE := tests/claude
# One more than there are cores: tests wait for each other's sockets a third of the time.
PROCESSES := $$(($$(getconf _NPROCESSORS_ONLN) + 1))

.PHONY: run test claude fuzz check fix bench soak screenshots clean

run: $(VENV)/.run ## the console, with its worker
	@$(BIN)/vault-tui

test: $(VENV)/.dev $(PROVIDER)/node_modules/.package-lock.json ## the whole suite
	$(BIN)/pytest -n $(PROCESSES) --dist loadgroup

claude: $(CLAUDE)/node_modules/.package-lock.json ## the real Claude Code (170 MB), for the tests that need it

seconds ?= 600
fuzz: $(VENV)/.dev ## what reads hostile bytes, `make fuzz seconds=60`: so long for each target
	$(BIN)/python -m tests.fuzz --seconds $(seconds)

check: $(VENV)/.dev ## format, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev ## what can be mended by itself, and the pages that are made of the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tests.pages

bench: $(VENV)/.bench ## beside the peers, with and without, as things grow; `make bench rows=scrub,status`
	$(BIN)/python -m benchmarks $(if $(rows),--rows $(rows))

minutes ?= 5
soak: $(VENV)/.dev ## a day of fifty agents in five minutes, `make soak minutes=1`: nothing may be left over
	$(BIN)/python -m benchmarks.soak --minutes $(minutes)

screenshots: $(VENV)/.dev ## from the running console over the demo worker
	$(BIN)/python -m screenshots

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

# Locked, hash-checked dependencies first, then the project itself without looking further.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# The OpenID provider that logins are tested against. Without npm those tests say why they are skipped.
$(PROVIDER)/node_modules/.package-lock.json: $(PROVIDER)/package-lock.json
	@if command -v npm >/dev/null; then cd $(PROVIDER) && npm ci --silent --no-audit --no-fund; fi

# Without it the tests with the real Claude Code say why they are skipped.
$(CLAUDE)/node_modules/.package-lock.json: $(CLAUDE)/package-lock.json
	cd $(CLAUDE) && npm ci --silent --no-audit --no-fund

$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	$(PYTHON) -m venv $(VENV)/bench
	$(VENV)/bench/bin/pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
