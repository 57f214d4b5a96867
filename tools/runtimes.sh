#!/usr/bin/env bash
# What the slow tests need and no wheel brings: Java for Spark, Chromium and its driver for the pages. From
# Debian when root.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
compgen -G '/usr/lib/jvm/*/bin/java' >/dev/null || command -v java >/dev/null || [ -x "${JAVA_HOME:-}/bin/java" ] ||
    missing+=(openjdk-17-jre-headless)
[ -x /usr/bin/chromium ] || missing+=(chromium)
# Playwright's own Node.js needs it.
.venv/bin/python -c 'import ctypes; ctypes.CDLL("libatomic.so.1")' 2>/dev/null || missing+=(libatomic1)
[ ${#missing[@]} = 0 ] && exit 0

tools/from_debian.sh "${missing[@]}" && exit 0
echo "*** The tests that need them are left out below, by name." >&2
[ -z "${CI:-}" ]
