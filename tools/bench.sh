#!/usr/bin/env bash
# Runs every benchmark beside the code, one JSON file each in build/bench/results/, and joins them to
# build/bench/results.json.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset bench >/dev/null
cmake --build build/bench -j "${JOBS:-$(nproc)}"
mkdir -p build/bench/results
while read -r bench; do
  "$bench" --benchmark_out="build/bench/results/$(basename "$bench").json" --benchmark_out_format=json \
    </dev/null
# The HTTP one is a server to be measured from outside; it would wait for the end of its input.
done < <(find build/bench/src -name '*_bench' ! -name adapters_http_bench -type f -executable | sort)
python3 bench/report.py build/bench/results build/bench/results.json
