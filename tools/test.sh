#!/usr/bin/env bash
# Everything that blocks a change: format, build, every test; then the tests again under ASan and UBSan. `make test` has
# installed what is missing. The first failure ends it with an error.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

echo "test: format"
git ls-files '*.h' '*.cpp' | xargs clang-format-19 --dry-run -Werror

echo "test: build"
cmake --preset dev >/dev/null
cmake --build build/dev -j "$jobs"

echo "test: run"
ctest --test-dir build/dev --output-on-failure -j "$jobs"

# Memory that is read after it was freed shows in no other test.
echo "test: build with sanitizers"
cmake --preset asan >/dev/null
cmake --build build/asan -j "$jobs" --target test_programs

echo "test: run with sanitizers"
ctest --test-dir build/asan --output-on-failure -j "$jobs" -L 'unit|scenario'
