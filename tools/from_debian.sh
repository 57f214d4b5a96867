#!/usr/bin/env bash
# Installs packages from Debian when root; else says which are missing and ends with 1.
#   tools/from_debian.sh PACKAGE…
set -euo pipefail
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing from Debian: $*" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
    exit 0
fi
echo "*** Missing, and not to be installed without root: $* (apt-get install $*)" >&2
exit 1
