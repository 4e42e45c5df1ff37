#!/bin/sh
# Builds libggml-cuda.so, the part of llama.cpp that computes on NVIDIA's devices, from the source that node-llama-cpp
# brings, with machine code for each kind of device that is named: its prebuilt one leaves some to the driver, which has to
# be new enough to compile them. It takes the place of the prebuilt one beside the other libraries of the same release.
#   build-cuda.sh FOLDER [CAPABILITY...]
#   FOLDER: where it is put; CAPABILITY: compute capabilities without their dot, such as 80 and 90. One took
#   half an hour of one core. CUDA 12.8 or newer, or 13, with cmake, ninja, git and g++; node_modules/node-llama-cpp is there
#   JOBS: how many files at once; BUILD: keeps what is compiled; TARGET: something else of the build, for trying it
set -eu
cd "$(dirname "$0")/.."

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

[ $# -gt 0 ] || fail "Say where to put libggml-cuda.so: build-cuda.sh FOLDER [CAPABILITY...]"
folder=$1
shift
[ $# -gt 0 ] || set -- 75 80 86 89 90 100 120
architectures=
for capability in "$@"; do
  case $capability in
    *[!0-9]* | '') fail "$capability is no compute capability: write 90 for 9.0" ;;
  esac
  # CMake's separator. Machine code only: what a driver would compile takes a newer one.
  architectures="$architectures${architectures:+;}$capability-real"
done
bundle=node_modules/node-llama-cpp/llama/gitRelease.bundle
[ -f "$bundle" ] || fail "There is no $bundle: run npm ci"
for program in cmake git ninja nvcc; do
  command -v "$program" >/dev/null || fail "$program is missing"
done

build=${BUILD:-$(mktemp -d)}
[ -n "${BUILD:-}" ] || trap 'rm -rf "$build"' EXIT
[ -d "$build/source" ] ||
  git -c advice.detachedHead=false clone --quiet "$bundle" "$build/source"
# Names and places of libraries as the prebuilt ones have them: it is loaded beside them, and finds them there.
cmake -S "$build/source" -B "$build/build" -G Ninja -Wno-dev \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON \
  -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON '-DCMAKE_INSTALL_RPATH=$ORIGIN' \
  -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF \
  -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  "-DCMAKE_CUDA_ARCHITECTURES=$architectures"
cmake --build "$build/build" --target "${TARGET:-ggml-cuda}" --parallel "${JOBS:-$(getconf _NPROCESSORS_ONLN)}"
[ -z "${TARGET:-}" ] || exit 0

library=$(find "$build/build" -name libggml-cuda.so)
[ -n "$library" ] || fail "The build left no libggml-cuda.so in $build"
if command -v cuobjdump >/dev/null; then
  found=$(cuobjdump --list-elf "$library")
  for capability in "$@"; do
    # 120 is built as 120a, which has instructions of its own.
    printf '%s' "$found" | grep -q "sm_${capability}a\?\." || fail "$library has no machine code for $capability"
  done
fi
mkdir -p "$folder"
cp "$library" "$folder/libggml-cuda.so.$$"
mv "$folder/libggml-cuda.so.$$" "$folder/libggml-cuda.so"
printf '%s\n' "$folder/libggml-cuda.so"
