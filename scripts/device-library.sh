# Sourced by the scripts that build a library of llama.cpp's for one kind of device, from the source that node-llama-cpp
# brings: what they have in common. It is loaded beside the prebuilt libraries of the same release.
#   JOBS: how many files at once; BUILD: keeps what is compiled; TARGET: something else of the build, for trying it

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# build_library NAME PROGRAM... -- OPTION...: compiles libNAME.so with CMake's options; $library is where it is.
build_library() {
  name=$1
  shift
  bundle=node_modules/node-llama-cpp/llama/gitRelease.bundle
  [ -f "$bundle" ] || fail "There is no $bundle: run npm ci"
  while [ "$1" != -- ]; do
    command -v "$1" >/dev/null || fail "$1 is missing"
    shift
  done
  shift

  build=${BUILD:-$(mktemp -d)}
  [ -n "${BUILD:-}" ] || trap 'rm -rf "$build"' EXIT
  [ -d "$build/source" ] ||
    git -c advice.detachedHead=false clone --quiet "$bundle" "$build/source"
  # Names and places of libraries as the prebuilt ones have them: it is loaded beside them, and finds them there.
  cmake -S "$build/source" -B "$build/build" -G Ninja -Wno-dev \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON '-DCMAKE_INSTALL_RPATH=$ORIGIN' \
    -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF \
    -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
    "$@"
  cmake --build "$build/build" --target "${TARGET:-$name}" --parallel "${JOBS:-$(getconf _NPROCESSORS_ONLN)}"
  [ -z "${TARGET:-}" ] || exit 0
  library=$(find "$build/build" -name "lib$name.so")
  [ -n "$library" ] || fail "The build left no lib$name.so in $build"
}

# hand_out FOLDER: puts it there whole or not at all, and says where.
hand_out() {
  mkdir -p "$1"
  cp "$library" "$1/lib$name.so.$$"
  mv "$1/lib$name.so.$$" "$1/lib$name.so"
  printf '%s\n' "$1/lib$name.so"
}
