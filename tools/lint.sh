#!/usr/bin/env bash
# The source-reading test of the arrows, then clang-tidy over what git tracks.
set -euo pipefail
cd "$(dirname "$0")/.."
python3 tests/structure_test.py
cmake --preset dev >/dev/null
git ls-files 'src/*.cpp' | grep -vE '_(bench|fuzz)\.cpp$' | xargs clang-tidy-19 --quiet -p build/dev
