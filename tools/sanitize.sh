#!/usr/bin/env bash
# The tests of the code under ASan + UBSan, then under TSan. The harness that kills processes has a preloaded library of
# its own, and the tests from outside run the program as it is shipped.
set -euo pipefail
cd "$(dirname "$0")/.."
export TERRENO_SIMULATION_SEEDS=1-200
export TSAN_OPTIONS="suppressions=$PWD/tools/tsan.suppressions"
for preset in asan tsan; do
  cmake --preset "$preset" >/dev/null
  cmake --build "build/$preset" -j "${JOBS:-$(nproc)}" --target test_programs
  ctest --test-dir "build/$preset" --output-on-failure -L 'unit|scenario|guarantee' -E '^crash$'
done
