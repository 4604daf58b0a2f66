#!/usr/bin/env bash
# Builds pv-trace-llamacpp against a llama.cpp that is there already:
#
#   build.sh [--version TEXT] LLAMA_CPP_DIR [LIB_DIR] [OUT]
#
# LLAMA_CPP_DIR: its sources, or the prefix that it was installed into: llama.h and ggml.h are
# looked for there. LIB_DIR: where it was built, or a folder with libllama.so (lib/ of an installed
# llama-cpp-python, of the version of the headers); without it LLAMA_CPP_DIR is searched.
# OUT: the program (default: ./pv-trace-llamacpp). TEXT: what the traces call this version, if the
# library does not know it.
set -euo pipefail

die() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 2
}

# first FILE FOLDER...: the first of the folders that has the file
first() {
  local file=$1 folder
  shift
  for folder in "$@"; do
    [ -e "$folder/$file" ] && (cd "$folder" && pwd) && return
  done
  return 1
}

# has WORD: whether this version's headers declare it
has() {
  printf '#include <ggml-backend.h>\n#include <llama.h>\nvoid *p[] = {(void *)(long)%s};\n' "$1" |
    "$cc" -std=c17 "${include[@]}" -w -x c -fsyntax-only - 2>/dev/null
}

version=''
if [ "${1:-}" = --version ]; then
  version=${2:?build.sh: --version needs a text}
  shift 2
fi
[ $# -ge 1 ] && [ $# -le 3 ] || die 'call: build.sh [--version TEXT] LLAMA_CPP_DIR [LIB_DIR] [OUT]'
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$1 lib=${2:-$1} out=${3:-pv-trace-llamacpp} cc=${CC:-cc}

command -v "$cc" >/dev/null || die "there is no C compiler '$cc'"
llama_h=$(first llama.h "$dir/include" "$dir/vendor/llama.cpp/include" "$dir") ||
  die "there is no llama.h in $dir/include: name the sources, or an installed prefix"
ggml_h=$(first ggml.h "$llama_h" "$llama_h/../ggml/include") ||
  die "there is no ggml.h beside $llama_h/llama.h, nor in ggml/include"
libs=$(first libllama.so "$lib/bin" "$lib/build/bin" "$lib/lib" "$lib/lib64" \
  "$lib/lib/$(uname -m)-linux-gnu" "$lib/build/src" "$lib/src" "$lib") ||
  die "there is no libllama.so in $lib (bin, build/bin, lib, lib64): build llama.cpp with -DBUILD_SHARED_LIBS=ON"
include=(-I"$llama_h" -I"$ggml_h")
printf '#include <openssl/evp.h>\n' | "$cc" -x c -fsyntax-only - 2>/dev/null ||
  die 'there is no openssl/evp.h: install libssl-dev'
has llama_backend_init || die "$llama_h/llama.h does not compile as C17 with $ggml_h/ggml.h"

[ -n "$version" ] || [ ! -e "$llama_h/../.git" ] ||
  version=$(git -C "$llama_h" describe --always --tags --dirty 2>/dev/null) || version=''
defines=(-D_DEFAULT_SOURCE -DPV_LLAMA_VERSION="\"$version\"" -DPV_LLAMA_LIB="\"$libs\"")
has LLAMA_FLASH_ATTN_TYPE_AUTO && defines+=(-DPV_LLAMA_FLASH_TYPE)
has GGML_TENSOR_FLAG_COMPUTE && defines+=(-DPV_LLAMA_COMPUTE_FLAG)
has llama_version && defines+=(-DPV_LLAMA_HAS_VERSION)
has llama_init_from_model && defines+=(-DPV_LLAMA_NEW_NAMES)
has ggml_backend_load_all_from_path && defines+=(-DPV_LLAMA_DEVICES)
has ggml_version && defines+=(-DPV_GGML_VERSION)
has GGML_OP_ADD_ID && defines+=(-DPV_LLAMA_ADD_ID)
has GGML_OP_GLU && defines+=(-DPV_LLAMA_GLU)
has 'sizeof ((struct llama_context_params *)0)->op_offload' && defines+=(-DPV_LLAMA_OP_OFFLOAD)
has 'sizeof ((struct llama_model_params *)0)->use_extra_bufts' && defines+=(-DPV_LLAMA_REPACK)

link=(-L"$libs" -Wl,-rpath,"$libs" -Wl,--allow-shlib-undefined -lllama)
for name in ggml ggml-base; do
  [ ! -e "$libs/lib$name.so" ] || link+=("-l$name")
done
"$cc" -std=c17 -O2 -Wall -Wextra "${defines[@]}" "${include[@]}" -I"$here" \
  "$here"/*.c -o "$out" "${link[@]}" -lcrypto -lm ||
  die "pv-trace-llamacpp does not build against $llama_h/llama.h and $libs/libllama.so"
echo "$out"
