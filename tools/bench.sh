#!/usr/bin/env bash
# Runs every benchmark beside the code; one JSON file each in build/bench/results/.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset bench >/dev/null
cmake --build build/bench -j "${JOBS:-$(nproc)}"
mkdir -p build/bench/results
while read -r bench; do
  "$bench" --benchmark_out="build/bench/results/$(basename "$bench").json" --benchmark_out_format=json
done < <(find build/bench/src -name '*_bench' -type f -executable | sort)
