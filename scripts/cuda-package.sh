#!/bin/sh
# Makes the package with CUDA for a platform that node-llama-cpp has none for, as arm64: its libraries for the CPU, and
# libggml-cuda.so of the same release beside them (build-cuda.sh), where ggml loads it from.
#   cuda-package.sh FOLDER ARCH LIBRARY
#   FOLDER: node_modules/@node-llama-cpp; ARCH: as Node calls it; LIBRARY: libggml-cuda.so
set -eu

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

[ $# -eq 3 ] || fail "Say which package to make: cuda-package.sh FOLDER ARCH LIBRARY"
cpu="$1/linux-$2"
made="$cpu-cuda"
[ ! -e "$made" ] || fail "There is $made already"
[ -d "$cpu/bins/linux-$2" ] || fail "There is no $cpu: run npm ci for $2"
[ -f "$3" ] || fail "node-llama-cpp has no library for CUDA on $2: have it built, by CUDA_CAPABILITIES"

cp -Rp "$cpu" "$made"
mv "$made/bins/linux-$2" "$made/bins/linux-$2-cuda"
cp -p "$3" "$made/bins/linux-$2-cuda/libggml-cuda.so"
# By these the server knows what it is.
sed -i "s|\"@node-llama-cpp/linux-$2\"|\"@node-llama-cpp/linux-$2-cuda\"|" "$made/package.json"
sed -i 's|"gpu": *false|"gpu":"cuda"|' "$made/bins/linux-$2-cuda/_nlcBuildMetadata.json"
