#!/usr/bin/env bash
# Runs every fuzz target on its corpus for FUZZ_SECONDS each (60).
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset fuzz >/dev/null
cmake --build build/fuzz -j "${JOBS:-$(nproc)}"
while read -r target; do
  name=$(basename "$target" _fuzz)
  mkdir -p "build/fuzz/corpus/$name"
  "$target" "build/fuzz/corpus/$name" "tests/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=1
done < <(find build/fuzz/src -name '*_fuzz' -type f -executable | sort)
