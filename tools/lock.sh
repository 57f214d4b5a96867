#!/usr/bin/env bash
# Resolves requirements/*.txt with hashes and without any registry's address.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate
    --python-version 3.11 --custom-compile-command "make lock")
echo "uv" | "${compile[@]}" - -o requirements/bootstrap.txt
printf "hatchling\neditables\nnodejs-wheel\nuv\npip\n" > .lock-build.in
trap 'rm -f .lock-build.in' EXIT
"${compile[@]}" pyproject.toml .lock-build.in --extra analysis --extra office -o requirements/run.txt
"${compile[@]}" pyproject.toml .lock-build.in --all-extras --group test -c requirements/run.txt -o requirements/test.txt
