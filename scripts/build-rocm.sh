#!/bin/sh
# Builds libggml-hip.so, the part of llama.cpp that computes on AMD's devices by ROCm, from the source that node-llama-cpp
# brings, with machine code for each kind of device that is named: there is no prebuilt one. It goes beside the prebuilt
# libraries for the CPU of the same release (gpu-package.sh).
#   build-rocm.sh FOLDER DEVICE...
#   FOLDER: where it is put; DEVICE: as LLVM calls them, such as gfx1100. ROCm 6.1 or newer: hipcc, rocBLAS and
#   hipBLAS with their headers; and cmake, ninja, git and g++; node_modules/node-llama-cpp is there
#   JOBS, BUILD and TARGET in the environment: device-library.sh
set -eu
cd "$(dirname "$0")/.."

. scripts/device-library.sh

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
command -v hipconfig >/dev/null || fail "hipconfig is missing"
build_library ggml-hip cmake git ninja -- -DGGML_HIP=ON \
  "-DCMAKE_HIP_COMPILER=$(hipconfig --hipclangpath)/clang++" "-DCMAKE_HIP_ARCHITECTURES=$devices"
for device in "$@"; do
  # The name of what is embedded for it, followed by nothing that would make it another one.
  grep -aqE "amdgcn-amd-amdhsa--$device([^0-9a-f]|$)" "$library" || fail "$library has no machine code for $device"
done
hand_out "$folder"
