#!/usr/bin/env bash
# The main job end to end on a simulated county: foreign files → lake → list with evidence pages → the console,
# where departments work the cases. Serves until interrupted.
#   DEMO_NO_SERVE=1             ends when all is ready
#   DEMO_BIND=127.0.0.1:8000    where it serves
#   DEMO_PASSWORD=…             of all accounts
#   DEMO_FOLDER=demo DEMO_CUSTOMERS=2000
set -euo pipefail
cd "$(dirname "$0")/.."
minewatch=.venv/bin/minewatch
demo=${DEMO_FOLDER:-demo} bind=${DEMO_BIND:-127.0.0.1:8000} password=${DEMO_PASSWORD:-qingkuang-Demo-1283}
office="$demo/office"
step() { printf '\n\033[1m$ minewatch %s\033[0m\n' "$*" >&2; "$minewatch" "$@"; }

if [ -z "${DEMO_NO_SERVE:-}" ] && (: <"/dev/tcp/${bind%:*}/${bind##*:}") 2>/dev/null; then
    echo "*** Something listens on $bind already: stop it, or name another place: DEMO_BIND=127.0.0.1:8001 make demo" >&2
    exit 2
fi
rm -rf "$demo"
mkdir -p "$office"
tools/assets.sh || echo "*** The assets could not be brought: the console works, but without styles, maps and curves." >&2
tools/translations.sh compile

step simulate "$demo/county" --customers "${DEMO_CUSTOMERS:-2000}" --days 120 --start 2026-01-18 --seed 20
step ingest "$demo/lake" "$demo/county/files"
step scan "$demo/lake" --period 2026-W20 --out "$demo/report"
step office parcel "$demo/lake" --out "$demo/findings.zip"

# the accounts of a demonstration are of no consequence: no second factor, several sessions each
printf 'second_factor = "optional"\nsessions = 20\npassword_days = 0\n' > "$office/office.toml"
step office setup --home "$office" --demo-password "$password" >/dev/null
step office intake "$demo/findings.zip" --home "$office"
step office demonstrate --home "$office"
echo
echo "Evidence pages: $demo/report/index.html"
if [ -n "${DEMO_NO_SERVE:-}" ]; then
    echo "The office is ready. To serve it:"
    echo "    $minewatch office worker --home $office & $minewatch office serve --home $office --bind $bind"
    echo "Password of all accounts: $password"
    exit 0
fi
"$minewatch" office worker --home "$office" &
worker=$!
trap 'kill "$worker" 2>/dev/null || true; wait "$worker" 2>/dev/null || true' EXIT
trap 'exit 0' INT  # the end that is meant
printf '\n\033[1mThe console: http://%s   password of all accounts: %s   (Ctrl-C ends it)\033[0m\n' "$bind" "$password"
"$minewatch" office serve --home "$office" --bind "$bind" --quiet || exit $?
