#!/bin/sh
# Builds libmtmd, the part of llama.cpp that looks at pictures, which node-llama-cpp's packages have only the source
# of. It is made from that source, for whichever of its libraries is loaded: it finds them when it is loaded itself.
# About two minutes of one core, once for each release of llama.cpp; where it is there already, nothing is done.
#   build-vision.sh: node-llama-cpp is installed; git and g++, clang++ or zig are there. CXX may name another compiler
# On Windows it runs in the shell that Git brings (build-vision.ts), with g++ of MinGW-w64 or zig.
set -eu
cd "$(dirname "$0")/.."

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

pinned=$(node --print 'require("./packages/llama/package.json").dependencies["node-llama-cpp"]')
found=$(node --print 'require("./node_modules/node-llama-cpp/package.json").version')
[ "$pinned" = "$found" ] || fail "node-llama-cpp is $found, but packages/llama wants $pinned: run npm ci"
release=$(node --print 'require("./node_modules/node-llama-cpp/llama/llama.cpp.info.json").tag')
platform=$(node --print process.platform)
arch=$(node --print process.arch)
compilers='g++ clang++ zig' install='g++ or clang++' uses=
case $platform in
  linux) library=libmtmd.so link='-shared' ;;
  darwin) library=libmtmd.dylib link='-dynamiclib -undefined dynamic_lookup' ;;
  win32)
    library=mtmd.dll link='-shared -static'
    # clang++ makes what needs Microsoft's own libraries.
    compilers='g++ zig' install='g++ (MinGW-w64) or zig'
    # A library of Windows says by name which others it uses; those are loaded when it is.
    bins=node_modules/@node-llama-cpp/win-$arch/bins/win-$arch
    for one in "$bins"/llama.*.dll "$bins"/ggml.*.dll "$bins"/ggml-base.dll; do
      [ -f "$one" ] || fail "node-llama-cpp has no libraries for win-$arch: $one is missing"
      uses="$uses $one"
    done
    ;;
  *) fail "Pictures can be looked at on Linux, macOS and Windows, not on $platform" ;;
esac
# packages/llama/library/vision-library.ts looks there.
folder=node_modules/.cache/libmtmd/$release-$platform-$arch
if [ -f "$folder/$library" ]; then
  printf '%s\n' "$folder/$library"
  exit 0
fi

if [ -z "${CXX:-}" ]; then
  for candidate in $compilers; do
    if command -v "$candidate" >/dev/null; then CXX=$candidate && break; fi
  done
  [ "${CXX:-}" != zig ] || CXX='zig c++'
fi
[ -n "${CXX:-}" ] || fail "A C++ compiler is missing: install $install"
command -v git >/dev/null || fail "git is missing: llama.cpp's source is in a bundle of git"

mkdir -p "$folder"
source=$(mktemp -d "$folder/source-XXXXXX")
trap 'rm -rf "$source"' EXIT
git -c advice.detachedHead=false clone --quiet node_modules/node-llama-cpp/llama/gitRelease.bundle "$source"

# The objects stay beside the library while it is incomplete: whoever was interrupted goes on from there.
# Helpers read files and make speech, which nobody here asks of them.
files=$(sed -n '/add_library(mtmd$/,/)/p' "$source/tools/mtmd/CMakeLists.txt" | grep -o '[a-z0-9/_-]*\.cpp' | grep -v helper)
[ -n "$files" ] || fail "llama.cpp $release does not say what libmtmd is made of"
export CXX folder source
# shellcheck disable=SC2016
printf '%s\n' $files | xargs -P "$(node --print 'os.availableParallelism()')" -I{} sh -euc '
  object=$folder/$(printf %s "$1" | tr / _).o
  [ ! -f "$object" ] || exit 0
  includes="-I$source/tools/mtmd -I$source/include -I$source/ggml/include -I$source/vendor -I$source/common -I$source"
  $CXX -std=c++17 -O2 -DNDEBUG -fPIC -fvisibility=hidden "-ffile-prefix-map=$source=llama.cpp" \
    -DLLAMA_SHARED -DGGML_SHARED $includes \
    -c "$source/tools/mtmd/$1" -o "$object.$$"
  mv "$object.$$" "$object"
' sh {}
# shellcheck disable=SC2086
$CXX $link -o "$folder/$library.$$" "$folder"/*.o $uses -lpthread
# By rename: who looks meanwhile sees all of it or nothing.
mv "$folder/$library.$$" "$folder/$library"
rm -f "$folder"/*.o
printf '%s\n' "$folder/$library"
