#!/usr/bin/env bash
# Brings the office's foreign assets (styles, scripts, icons) from their packages into its static folder; runs
# again only when the list of packages changes.
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=src/minewatch/office/web/static/vendor
stamp="$vendor/.from"
wanted=$(cat tools/assets/package.json tools/assets/package-lock.json tools/assets.sh | sha256sum | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && exit 0

# certificates as the other clients have them
export NODE_USE_SYSTEM_CA=1 NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-${SSL_CERT_FILE:-}}"
# a wheel brings Node.js where the machine has none
command -v npm >/dev/null || export PATH="$PWD/.venv/bin:$PATH"
echo "Bringing the assets of the office" >&2
mkdir -p build/assets "$vendor"
cp tools/assets/package.json tools/assets/package-lock.json build/assets/
npm ci --prefix build/assets --ignore-scripts --no-audit --no-fund --silent
modules=build/assets/node_modules
rm -f "$stamp"
cp "$modules"/@tabler/core/dist/css/tabler.min.css "$modules"/@tabler/core/dist/js/tabler.min.js \
    "$modules"/echarts/dist/echarts.min.js "$modules"/htmx.org/dist/htmx.min.js \
    "$modules"/leaflet/dist/leaflet.js "$modules"/leaflet/dist/leaflet.css "$modules"/axe-core/axe.min.js "$vendor/"
cp "$modules"/@tabler/icons-webfont/dist/tabler-icons.min.css "$vendor/"
cp "$modules"/idb/build/index.js "$vendor/idb.js"
mkdir -p "$vendor/fonts" "$vendor/images"
cp "$modules"/@tabler/icons-webfont/dist/fonts/tabler-icons.woff2 "$vendor/fonts/"
cp "$modules"/leaflet/dist/images/* "$vendor/images/"
echo "$wanted" > "$stamp"
