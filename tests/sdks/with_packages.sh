#!/usr/bin/env bash
# Runs a command once the packages of this folder are there. Exit code 77 (1 when CI is set): they cannot be had.
#
#   with_packages.sh COMMAND [ARGUMENT…]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -e "$here/node_modules/.package-lock.json" ] || [ "$here/package-lock.json" -nt "$here/node_modules/.package-lock.json" ]; then
  if ! (cd "$here" && npm ci --silent); then
    echo "SKIPPED: the SDKs cannot be fetched, so nothing here was tested against them" >&2
    [ -n "${CI:-}" ] && exit 1
    exit 77
  fi
fi
exec "$@"
