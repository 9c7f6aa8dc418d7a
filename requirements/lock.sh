#!/bin/sh
# Writes the hash-checked locks anew: run.txt (the program), dev.txt (its tests and checks).
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate "$@"; }
compile pyproject.toml requirements/build.in --extra postgres --extra aws -o requirements/run.txt
compile --group dev --constraint requirements/run.txt -o requirements/dev.txt
