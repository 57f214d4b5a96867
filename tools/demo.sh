#!/usr/bin/env bash
# The main job end to end on a simulated county: foreign files → lake → list with evidence pages.
set -euo pipefail
cd "$(dirname "$0")/.."
minewatch=.venv/bin/minewatch
rm -rf demo
mkdir demo
step() { printf '\n\033[1m$ minewatch %s\033[0m\n' "$*" >&2; "$minewatch" "$@"; }

step simulate demo/county --customers 2000 --days 120 --start 2026-01-18 --seed 20
step ingest demo/lake demo/county/files
step scan demo/lake --period 2026-W20 --out demo/report
