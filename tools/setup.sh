#!/usr/bin/env bash
# Makes .venv in the checkout from the locked requirements; runs again only when those change.
#   tools/setup.sh test|run
set -euo pipefail
cd "$(dirname "$0")/.."
lock="requirements/$1.txt"
stamp=.venv/.set-up
wanted() { echo "$1 $(cat requirements/bootstrap.txt "requirements/$1.txt" pyproject.toml | sha256sum | cut -d' ' -f1)"; }
found=$(cat "$stamp" 2>/dev/null || true)
# What the tests need contains what a run needs.
{ [ "$found" = "$(wanted "$1")" ] || [ "$found" = "$(wanted test)" ]; } && exit 0

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Minewatch needs Python 3.11 or newer; name one with PYTHON=/path/to/python3 make …" >&2
    exit 2
fi
if ! [ -x .venv/bin/pip ]; then
    rm -rf .venv
    if ! "$python" -m venv .venv >/dev/null 2>&1; then
        rm -rf .venv
        tools/from_debian.sh python3-venv
        "$python" -m venv .venv
    fi
fi
# LightGBM's wheel needs the OpenMP runtime that a machine without a compiler may lack.
.venv/bin/python -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null || tools/from_debian.sh libgomp1
rm -f "$stamp"
echo "Setting up .venv from $lock" >&2
.venv/bin/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
# pip, unlike uv, follows the machine's own configuration of mirrors and certificates: it is the fallback.
VIRTUAL_ENV=.venv .venv/bin/uv pip sync --quiet --require-hashes "$lock" ||
    .venv/bin/python -m pip install --quiet --require-hashes -r "$lock"
VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable . 2>/dev/null ||
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
wanted "$1" > "$stamp"
