# The only door to Loch: `make` alone lists what it can do.
#
# Each step says in one line what it does, and how long it took when that was
# long. What is missing on the machine is installed with apt where that is
# possible, and said (.ci/setup). Steps run one after another: go and npm use
# all cores by themselves.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# What a caller may set: make run ARGS='--addr :9000', make seed EVENTS=1000.
ADDR     ?= 127.0.0.1:8080
DATA     ?= ./data
ARGS     ?=
EVENTS   ?= 100000
DAYS     ?= 30
FUZZTIME ?= 20s
PACKAGES ?= ./...

STEP   := .ci/step
ENRICH := shared/enrich
WEB    := infra/e2e/web
DYNAMO := infra/aws/dynamo/local
CLICKHOUSE := infra/local/duckdb/clickhouse
LINT   := infra/layout/lint
LINTER := build/bin/golangci-lint
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

# The stamps stand inside node_modules, so that they go when the packages go.
ENRICH_NPM := $(ENRICH)/data/node_modules/.installed
WEB_NPM    := $(WEB)/node_modules/.installed
DYNAMO_NPM := $(DYNAMO)/node_modules/.installed
CLICKHOUSE_NPM := $(CLICKHOUSE)/node_modules/.installed

.PHONY: help
help: ## list the targets
	@echo 'Loch: product analytics that you run yourself. Targets:'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: build ## build Loch and start it (ADDR, DATA, ARGS='--geo FILE')
	@exec bin/loch serve --addr $(ADDR) --data $(DATA) $(ARGS)

.PHONY: build
build: setup-build data ## build bin/loch
	@$(STEP) 'build bin/loch' go build -ldflags='-s -w' -o bin/loch ./infra/local

# With the race detector everything takes five to twenty times as long. So what asks
# thousands of questions, one after another, runs whole without it, and again with it
# and -short, which leaves out questions but nothing that runs at the same time. Where
# nothing does, or others show it, the tests run without it alone. The longest come first.
# The suite of DuckDB takes nine minutes whole: make test asks its reports whole and the
# rest in short, make test-engines all.
TWICE := infra/local/pebble functions/redrive/lambda shared/enrich shared/profile/profiletest
ALONE := infra/aws/dynamo/dynamotest functions/ingest/lambda functions/compact shared/sample
DUCKDB := infra/local/duckdb

.PHONY: test
test: setup data web template vet ## everything but the long suites of the engines: tools, data, vet, layout, all tests with -race, a real browser, crashes, reports
	@$(STEP) 'layout: the shape of the tree' go test ./infra/layout
	@$(STEP) 'the long tests' .ci/gotest -vet=off -timeout 20m $(addprefix ./,$(TWICE) $(ALONE))
	@$(STEP) 'reports against the oracle' .ci/gotest -vet=off -timeout 20m -run '^TestReport' ./$(DUCKDB)
	@$(STEP) 'the long tests in short, with the race detector' .ci/gotest -vet=off -race -short -timeout 20m $(addprefix ./,$(DUCKDB) $(TWICE))
	@$(STEP) 'all others with the race detector' .ci/gotest -vet=off -race -timeout 20m ./infra/e2e \
	  $$(go list $(PACKAGES) | grep -v -e /infra/aws/trino -e /infra/layout$$ -e /infra/e2e$$ -e /$(DYNAMO) -e /$(DUCKDB)$$ $(foreach p,$(TWICE) $(ALONE),-e /$(p)$$))

# Random sets of events for Trino; five questions are asked of each.
TRINO_SETS ?= 40

.PHONY: test-engines
test-engines: setup data trino engines ## the long suites of the engines: DuckDB, and those that stand for AWS's, DynamoDB Local and Trino (TRINO_SETS=200)
	@$(STEP) 'DuckDB' .ci/gotest -timeout 40m ./$(DUCKDB)
	@$(STEP) 'DynamoDB Local' .ci/gotest -timeout 40m ./$(DYNAMO)
	@$(STEP) 'Trino' env LOCH_TRINO_SETS=$(TRINO_SETS) .ci/gotest -timeout 60m ./infra/aws/trino

.PHONY: test-fast
test-fast: setup-build data ## the inner loop: no race detector, no browser, no crashes, no Java, no templates
	@$(STEP) 'test' .ci/gotest -short $$(go list $(PACKAGES) | grep -v -e /infra/e2e -e /infra/aws/trino -e /infra/aws/template -e /infra/aws/accounttest -e /$(DYNAMO))

.PHONY: lint
lint: setup-build data vet $(LINTER) ## golangci-lint, go vet, gofmt, layout, TypeScript
	@$(STEP) 'gofmt' .ci/gofmt
	@$(STEP) 'golangci-lint' $(LINTER) run $(PACKAGES)
	@$(STEP) 'layout: the shape of the tree' go test ./infra/layout
	@for config in $$(git ls-files '*tsconfig.json'); do \
	  dir=$$(dirname $$config); \
	  $(STEP) "TypeScript in $$dir" bash -c "cd $$dir && $(NPM_CI) && npx --no-install tsc --noEmit"; \
	done

.PHONY: vet
vet: setup-build data
	@$(STEP) 'go vet' go vet ./...

.PHONY: bench
bench: build template ## cost of an event, profiles, lists, scanner, sealing, erasing, journeys, start time, memory, first event to SQL; the functions for Lambda
	@$(STEP) 'cost of an event through the whole handler; store writes per event on sample traffic' \
	  .ci/gotest -run '^$$' -bench . -benchmem -timeout 30m ./functions/ingest
	@$(STEP) 'profiles: durable upserts, look-up with a million, sightings' \
	  .ci/gotest -run '^$$' -bench 'Upsert|Get|Sighting' -benchtime 20000x -timeout 30m ./infra/local/pebble
	@$(STEP) 'the scanner: recall, false alarms, cost; and sealing a profile update' \
	  .ci/gotest -run '^$$' -bench 'Scanner|FindNothing|Cleaner|SealUpdate' -benchmem ./shared/privacy ./shared/vault
	@$(STEP) 'forgetting one person of a million' \
	  .ci/gotest -run '^$$' -bench Erase -benchtime 10x -timeout 30m ./infra/local/pebble
	@$(STEP) 'listing a million people: the first time, then, and by a trait that is another for everybody' \
	  .ci/gotest -run '^$$' -bench BenchmarkList -benchtime 10x -timeout 30m ./infra/local/pebble
	@$(STEP) 'the functions as they are deployed: size, start, time of a request (through stand-ins of AWS)' \
	  .ci/gotest -run '^$$' -bench . -benchtime 50x -timeout 30m ./infra/aws/accounttest
	@$(STEP) 'removing the rows of one person from a million events' \
	  .ci/gotest -run '^$$' -bench Removal -benchtime 5x -timeout 30m ./infra/local/duckdb
	@$(STEP) 'the journey of one person, on a lake of ten million events' \
	  .ci/gotest -run '^$$' -bench 'Journey' -benchtime 20x -timeout 60m ./infra/local/duckdb
	@$(STEP) 'the server: start with a million events, memory at rest, first event to SQL' \
	  env LOCH_BINARY=$(CURDIR)/bin/loch .ci/gotest -run '^$$' -bench . -benchtime 20x -timeout 30m ./infra/e2e

# The lake of the benchmark is kept, so that it is made once: some minutes for ten
# million events.
BENCH_EVENTS ?= 10000000

.PHONY: bench-reports
bench-reports: setup-build data $(CLICKHOUSE_NPM) ## each report over ten million events, beside ClickHouse (BENCH_EVENTS=100000000)
	@$(STEP) 'reports over $(BENCH_EVENTS) events, and the same of ClickHouse' \
	  env LOCH_BENCH_EVENTS=$(BENCH_EVENTS) LOCH_BENCH_DIR=$(CURDIR)/build/bench LOCH_BENCH_CLICKHOUSE=$(CURDIR)/$(CLICKHOUSE) \
	  .ci/gotest -run '^$$' -bench 'Reports$$' -benchtime 1x -timeout 3h ./infra/local/duckdb

.PHONY: bench-dynamo
bench-dynamo: setup-build data engines ## what profiles and vault cost in DynamoDB, on sample traffic
	@$(STEP) 'read and write units of an event' .ci/gotest -run '^$$' -bench . -benchtime 1x -timeout 30m ./$(DYNAMO)

.PHONY: redteam
redteam: build ## steal a lake with 1000 people in it, and try to name them (ARGS='--plant hash-id')
	@$(STEP) 'the attack on a copy of the lake' go run ./infra/redteam run --loch bin/loch $(ARGS)

.PHONY: fuzz
fuzz: setup-build data ## each fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

.PHONY: seed
seed: build ## post sample traffic to the server on DATA (EVENTS, DAYS)
	@bin/loch seed --data $(DATA) --events $(EVENTS) --days $(DAYS)

MADE       := $(addprefix $(ENRICH)/data/,made-country.mmdb made-agents.gz made-bots.gz)

.PHONY: data
data: setup-build $(MADE) ## install the pinned data packages and make what Loch embeds

$(MADE) &: $(ENRICH_NPM) $(wildcard $(ENRICH)/datagen/*.go)
	@$(STEP) 'make the country and device tables' go run ./$(ENRICH)/datagen
	@touch $(MADE)

.PHONY: web
web: $(WEB_NPM)

.PHONY: engines
engines: setup-engines $(DYNAMO_NPM) ## install the pinned engines that stand for AWS's in tests

$(ENRICH_NPM) $(WEB_NPM) $(DYNAMO_NPM): %/node_modules/.installed: %/package.json %/package-lock.json
	@$(STEP) 'install the pinned npm packages of $*' bash -c 'cd $* && $(NPM_CI) >/dev/null'
	@touch $@

# The lock has ClickHouse's library for one platform; npm ci would want them all.
$(CLICKHOUSE_NPM): $(addprefix $(CLICKHOUSE)/,package.json package-lock.json)
	@$(STEP) 'install ClickHouse as an npm package (once, half a gigabyte)' bash -c 'cd $(CLICKHOUSE) && $(subst npm ci,npm install --no-save,$(NPM_CI)) >/dev/null'
	@touch $@

.PHONY: trino
trino: setup build/trino/.installed ## install the parts of Trino that stand for Athena in tests

build/trino/.installed: $(addprefix infra/aws/trino/server/,pom.xml Start.java checksums.sha256) .ci/trino
	@$(STEP) 'install the pinned parts of Trino (once, takes a minute or two)' .ci/trino build/trino

.PHONY: template
template: ## lint the templates of the stack on AWS, and write them out as CloudFormation
	@$(STEP) 'lint and transform the templates' .ci/template

.PHONY: lambdas
lambdas: setup-build data ## build the functions for Lambda into build/lambda, a zip each
	@$(STEP) 'build the functions for Lambda' .ci/lambdas arm64 build/lambda
	@ls -l build/lambda/*/bootstrap | awk '{printf "   %6.1f MB  %s\n", $$5/1e6, $$NF}'

.PHONY: deploy
deploy: lambdas template ## deploy the stack to AWS (STACK, REGION, EMAIL, PARAMETERS='Name=value …')
	@.ci/deploy up

.PHONY: destroy
destroy: ## delete the stack from AWS; what keeps data stays
	@.ci/deploy down

# The linter has its own go.mod with every hash, and is built once.
$(LINTER): $(LINT)/go.mod $(LINT)/go.sum
	@mkdir -p $(@D)
	@$(STEP) 'build golangci-lint (once, takes a minute or two)' \
	  bash -c 'cd $(LINT) && go build -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint'
	@touch $@

.PHONY: setup
setup: ## see that the machine has what make test needs, and install what is missing
	@.ci/setup go cxx node browser java python

.PHONY: setup-build
setup-build:
	@.ci/setup go cxx node

.PHONY: setup-engines
setup-engines:
	@.ci/setup node java

.PHONY: clean
clean: ## remove what was built (not DATA)
	rm -rf bin build $(ENRICH)/data/node_modules $(MADE) $(WEB)/node_modules $(DYNAMO)/node_modules $(CLICKHOUSE)/node_modules
