#!/bin/sh
# Builds libggml-cuda.so, the part of llama.cpp that computes on NVIDIA's devices, from the source that node-llama-cpp
# brings, with machine code for each kind of device that is named: its prebuilt one leaves some to the driver, which has to
# be new enough to compile them. It takes the place of the prebuilt one beside the other libraries of the same release.
#   build-cuda.sh FOLDER [CAPABILITY...]
#   FOLDER: where it is put; CAPABILITY: compute capabilities without their dot, such as 80 and 90. One took
#   half an hour of one core. CUDA 12.8 or newer, or 13, with cmake, ninja, git and g++; node_modules/node-llama-cpp is there
#   JOBS, BUILD and TARGET in the environment: device-library.sh
set -eu
cd "$(dirname "$0")/.."

. scripts/device-library.sh

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
build_library ggml-cuda cmake git ninja nvcc -- -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF "-DCMAKE_CUDA_ARCHITECTURES=$architectures"
if command -v cuobjdump >/dev/null; then
  found=$(cuobjdump --list-elf "$library")
  for capability in "$@"; do
    # 120 is built as 120a, which has instructions of its own.
    printf '%s' "$found" | grep -q "sm_${capability}a\?\." || fail "$library has no machine code for $capability"
  done
fi
hand_out "$folder"
