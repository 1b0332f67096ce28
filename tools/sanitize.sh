#!/usr/bin/env bash
# The tests under ASan + UBSan, then under TSan.
set -euo pipefail
cd "$(dirname "$0")/.."
for preset in asan tsan; do
  cmake --preset "$preset" >/dev/null
  cmake --build "build/$preset" -j "${JOBS:-$(nproc)}"
  ctest --test-dir "build/$preset" --output-on-failure
done
