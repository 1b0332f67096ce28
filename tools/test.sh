#!/usr/bin/env bash
# Builds and runs the tests; `make test` has installed what is missing. The closing line is ctest's.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = sdks ]; then
  cmake --preset dev >/dev/null
  cmake --build build/dev -j "${JOBS:-$(nproc)}" --target terreno
  (cd tests/sdks && npm ci --silent)
  exec python3 tests/sdks/run.py build/dev/src/server/terreno
fi

echo "test: format"
git ls-files '*.h' '*.cpp' | xargs clang-format-19 --dry-run -Werror

echo "test: build"
cmake --preset dev >/dev/null
cmake --build build/dev -j "${JOBS:-$(nproc)}"

echo "test: run"
exec ctest --test-dir build/dev --output-on-failure -j "${JOBS:-$(nproc)}"
