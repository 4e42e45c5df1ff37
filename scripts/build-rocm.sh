#!/bin/sh
# Builds libggml-hip.so, the part of llama.cpp that computes on AMD's devices by ROCm, from the source that node-llama-cpp
# brings, with machine code for each kind of device that is named: there is no prebuilt one. It goes beside the prebuilt
# libraries for the CPU of the same release (gpu-package.sh).
#   build-rocm.sh FOLDER DEVICE...
#   FOLDER: where it is put; DEVICE: as LLVM calls them, such as gfx1100. ROCm 6.1 or newer: hipcc, rocBLAS and
#   hipBLAS with their headers; and cmake, ninja, git and g++; node_modules/node-llama-cpp is there
#   JOBS: how many files at once; BUILD: keeps what is compiled; TARGET: something else of the build, for trying it
set -eu
cd "$(dirname "$0")/.."

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

[ $# -gt 0 ] || fail "Say where to put libggml-hip.so: build-rocm.sh FOLDER DEVICE..."
folder=$1
shift
[ $# -gt 0 ] || fail "Say for which devices, as LLVM calls them: build-rocm.sh FOLDER DEVICE..."
devices=
for device in "$@"; do
  case ${device#gfx} in
    "$device" | *[!0-9a-f]* | '') fail "$device is no device: write gfx1100 for an RX 7900" ;;
  esac
  # CMake's separator.
  devices="$devices${devices:+;}$device"
done
bundle=node_modules/node-llama-cpp/llama/gitRelease.bundle
[ -f "$bundle" ] || fail "There is no $bundle: run npm ci"
for program in cmake git hipconfig ninja; do
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
  -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF -DGGML_HIP=ON \
  -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  "-DCMAKE_HIP_COMPILER=$(hipconfig --hipclangpath)/clang++" "-DCMAKE_HIP_ARCHITECTURES=$devices"
cmake --build "$build/build" --target "${TARGET:-ggml-hip}" --parallel "${JOBS:-$(getconf _NPROCESSORS_ONLN)}"
[ -z "${TARGET:-}" ] || exit 0

library=$(find "$build/build" -name libggml-hip.so)
[ -n "$library" ] || fail "The build left no libggml-hip.so in $build"
for device in "$@"; do
  # The name of what is embedded for it, followed by nothing that would make it another one.
  grep -aqE "amdgcn-amd-amdhsa--$device([^0-9a-f]|$)" "$library" || fail "$library has no machine code for $device"
done
mkdir -p "$folder"
cp "$library" "$folder/libggml-hip.so.$$"
mv "$folder/libggml-hip.so.$$" "$folder/libggml-hip.so"
printf '%s\n' "$folder/libggml-hip.so"
