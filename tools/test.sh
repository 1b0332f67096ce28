#!/usr/bin/env bash
# Everything that blocks a change: format, build, every test; then the tests again under ASan and UBSan. `make test` has
# installed what is missing. The first failure ends it with an error.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

if [ "${1:-}" = sdks ]; then
  cmake --preset dev >/dev/null
  cmake --build build/dev -j "${JOBS:-$(nproc)}" --target terreno
  (cd tests/sdks && npm ci --silent)
  exec python3 tests/sdks/run.py build/dev/src/server/terreno
fi

echo "test: format"
git ls-files '*.h' '*.cpp' | xargs clang-format-19 --dry-run -Werror

# Without a registry the console cannot be built: then everything else is tested, and this is said.
console=build
installed=console/node_modules/.package-lock.json
if [ ! -e "$installed" ] || [ console/package-lock.json -nt "$installed" ]; then
  if (cd console && npm ci --no-audit --no-fund --loglevel=error); then
    touch "$installed"
  else
    echo "test: WARNING: the console's packages cannot be fetched, so the console is NOT built and NOT tested" >&2
    [ -z "${CI:-}" ] || exit 1
    console=none
  fi
fi

echo "test: build"
cmake --preset dev -DTERRENO_CONSOLE=$console >/dev/null
cmake --build build/dev -j "$jobs"

echo "test: run"
ctest --test-dir build/dev --output-on-failure -j "$jobs"

# Thousands of runs want an optimised program; the one above has done a few.
echo "test: build the simulation"
cmake --preset simulation >/dev/null
cmake --build build/simulation -j "$jobs" --target simulation_test

echo "test: simulate"
ctest --test-dir build/simulation --output-on-failure -R '^simulation_test$'

# Memory that is read after it was freed shows in no other test.
echo "test: build with sanitizers"
cmake --preset asan >/dev/null
cmake --build build/asan -j "$jobs" --target test_programs

echo "test: run with sanitizers"
ctest --test-dir build/asan --output-on-failure -j "$jobs" -L 'unit|scenario'
