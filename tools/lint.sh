#!/usr/bin/env bash
# The source-reading test of the arrows, then clang-tidy over what git tracks; .clang-tidy makes its warnings errors.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 tests/structure_test.py
cmake --preset dev >/dev/null
# The database is GCC's, whose warning options clang does not all know.
git ls-files 'src/*.cpp' 'demo/*.cpp' | grep -vE '_(bench|fuzz|test)\.cpp$' |
  xargs -P "${JOBS:-$(nproc)}" -n 4 clang-tidy-19 --quiet --extra-arg=-Wno-unknown-warning-option -p build/dev
[ -d console/node_modules ] || (cd console && npm ci --no-audit --no-fund --loglevel=error)
(cd console && npm run --silent check)
