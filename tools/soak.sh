#!/usr/bin/env bash
# Storms, and the simulation, with seeds that nobody has run before, for SOAK_SECONDS (60). Stops at the first failure and says how to repeat it.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${SOAK_PRESET:-dev}
span=${SOAK_SECONDS:-60}
[[ $span =~ ^[0-9]{1,6}$ ]] || { echo "SOAK_SECONDS: is not a number of seconds; write it as 60" >&2; exit 2; }

cmake --preset "$preset" >/dev/null
cmake --build "build/$preset" -j "${JOBS:-$(nproc)}" --target scenarios_test
cmake --preset simulation >/dev/null
cmake --build build/simulation -j "${JOBS:-$(nproc)}" --target simulation_test
storms=0
runs=0
at_once=20
SECONDS=0
while [ "$SECONDS" -lt "$span" ]; do
  first=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
  seeds=$first-$((first + at_once - 1))
  if ! output=$(TERRENO_STORM_SEEDS=$seeds "build/$preset/tests/scenarios/scenarios_test" \
      --gtest_filter='*StormOfSignUps*' --gtest_brief=1 2>&1); then
    echo "$output"
    echo "soak: failed; again: TERRENO_STORM_SEEDS=$seeds build/$preset/tests/scenarios/scenarios_test --gtest_filter='*Storm*'" >&2
    exit 1
  fi
  storms=$((storms + at_once))
  seeds=$first-$((first + 10 * at_once - 1))
  if ! output=$(TERRENO_SIMULATION_SEEDS=$seeds build/simulation/tests/simulation/simulation_test \
      --gtest_filter='*EveryPromise*' --gtest_brief=1 2>&1); then
    echo "$output"
    exit 1
  fi
  runs=$((runs + 10 * at_once))
done
echo "soak: $storms storms and $runs simulations in $SECONDS s, none failed"
