#!/bin/sh
# Makes the package for devices that node-llama-cpp has none for, CUDA on arm64 and ROCm: its libraries for the CPU, and
# the one of the same release that computes on the devices beside them (build-cuda.sh, build-rocm.sh), where ggml loads it from.
#   gpu-package.sh FOLDER ARCH GPU LIBRARY
#   FOLDER: node_modules/@node-llama-cpp; ARCH: as Node calls it; GPU: cuda or rocm; LIBRARY: libggml-cuda.so, libggml-hip.so
set -eu

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

[ $# -eq 4 ] || fail "Say which package to make: gpu-package.sh FOLDER ARCH GPU LIBRARY"
case $3 in
  cuda) library=libggml-cuda.so && built=CUDA_CAPABILITIES ;;
  rocm) library=libggml-hip.so && built=ROCM_DEVICES ;;
  *) fail "GPU is cuda or rocm, not $3" ;;
esac
cpu="$1/linux-$2"
made="$cpu-$3"
[ ! -e "$made" ] || fail "There is $made already"
[ -d "$cpu/bins/linux-$2" ] || fail "There is no $cpu: run npm ci for $2"
[ -f "$4" ] || fail "node-llama-cpp has no library for $3 on $2: have it built, by $built"

cp -Rp "$cpu" "$made"
mv "$made/bins/linux-$2" "$made/bins/linux-$2-$3"
cp -p "$4" "$made/bins/linux-$2-$3/$library"
# By these the server knows what it is.
sed -i "s|\"@node-llama-cpp/linux-$2\"|\"@node-llama-cpp/linux-$2-$3\"|" "$made/package.json"
sed -i "s|\"gpu\": *false|\"gpu\":\"$3\"|" "$made/bins/linux-$2-$3/_nlcBuildMetadata.json"
