#!/usr/bin/env bash
# What the slow tests need and no wheel brings: Java for Spark, Chromium for the pages. From Debian when root.
set -euo pipefail

missing=()
compgen -G '/usr/lib/jvm/*/bin/java' >/dev/null || command -v java >/dev/null || [ -x "${JAVA_HOME:-}/bin/java" ] ||
    missing+=(openjdk-17-jre-headless)
command -v chromium >/dev/null || [ -x /usr/bin/chromium ] || missing+=(chromium)
[ ${#missing[@]} = 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing from Debian: ${missing[*]}" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    exit 0
fi
cat >&2 <<TEXT
*** Missing and not to be installed without root: ${missing[*]}
*** The tests that need them are left out below, by name. To run them: apt-get install ${missing[*]}
TEXT
[ -z "${CI:-}" ]
