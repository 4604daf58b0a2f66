#!/usr/bin/env bash
# What Python packages make of a GGUF file, and what they pack: sound choices are seen to be sound, and versions are
# blamed for what they leave out: ./dev test --engines. $1 is pv.
#
# $PV_SGLANG, $PV_IPEX_LLM, $PV_GPTQMODEL, $PV_VLLM, $PV_VLLM_GGUF: folders of the unpacked packages SGLang 0.5.23, ipex-llm
# 2.2.0, GPTQModel 7.7.0, vLLM 0.33.0 and vllm-gguf-plugin 0.0.5. Without them they are fetched below build-engines/. Neither
# a GPU nor torch is needed:
# tests/engines/gguf_loaders.py has stand-ins.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
python=$built/gguf-loaders/bin/python
source tests/engines/counts.bash

# fetch NAME VERSION OPTIONS: the folder of the unpacked wheel or archive.
fetch() {
  local at=$built/$1-$2
  if [ ! -e "$at/done" ]; then
    rm -rf "$at" && mkdir -p "$at" && "$python" -m pip download -q --no-deps -d "$at" "${@:3}" "$1==$2" \
      >"$built/$1.log" 2>&1 || return 1
    case $(echo "$at"/*) in
      *.whl) "$python" -m zipfile -e "$at"/*.whl "$at" ;;
      *) tar -xzf "$at"/*.tar.gz -C "$at" --strip-components 1 ;;
    esac && touch "$at/done" || return 1
  fi
  echo "$at"
}
# archive NAME VERSION DIGEST ADDRESS: the same of an archive whose setup.py needs torch, so that pip cannot tell what it is.
archive() {
  local at=$built/$1-$2
  if [ ! -e "$at/done" ]; then
    rm -rf "$at" && mkdir -p "$at" &&
      "$python" -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' "$4" "$at/got" >"$built/$1.log" 2>&1 &&
      sha256sum --check --status <<<"$3  $at/got" && tar -xzf "$at/got" -C "$at" --strip-components 1 --wildcards '*.py' &&
      touch "$at/done" || return 1
  fi
  echo "$at"
}
model() { # NAME OPTIONS
  [ -e "$built/gl-$1.gguf" ] || "$pv" synth --arch llama --layers 1 --hidden 256 --heads 4 --kv-heads 2 --head-dim 64 \
    --ffn 256 --vocab 512 --layout F32 "${@:2}" --out "$built/gl-$1.gguf" >/dev/null || die "no model $1"
}
# says NAME LINES ARGUMENTS: the probe with these arguments prints these lines.
says() {
  local out
  out=$("$python" -W ignore tests/engines/gguf_loaders.py "${@:3}" 2>&1)
  if [ "$out" = "$2" ]; then ok; else bad "$1: $(tail -n 8 <<<"$out")"; fi
}

mkdir -p "$built"
if [ ! -e "$built/gguf-loaders/done" ]; then
  { python3 -m venv "$built/gguf-loaders" && "$python" -m pip install -q gguf==0.19.0 numpy; } >"$built/gguf-loaders.log" 2>&1 ||
    die "gguf: see $built/gguf-loaders.log"
  touch "$built/gguf-loaders/done"
fi
wheel=(--only-binary :all: --python-version 3.11 --platform)
sglang=${PV_SGLANG:-$(fetch sglang 0.5.23 "${wheel[@]}" manylinux_2_34_x86_64)} ||
  die "sglang: set PV_SGLANG, or see $built/sglang.log"
ipex=${PV_IPEX_LLM:-$(fetch ipex-llm 2.2.0 "${wheel[@]}" manylinux2010_x86_64)} ||
  die "ipex-llm: set PV_IPEX_LLM, or see $built/ipex-llm.log"
gptqmodel=${PV_GPTQMODEL:-$(fetch gptqmodel 7.7.0 --no-binary gptqmodel)} ||
  die "gptqmodel: set PV_GPTQMODEL, or see $built/gptqmodel.log"
from=https://files.pythonhosted.org/packages
vllm=${PV_VLLM:-$(archive vllm 0.33.0 f4c33c2503d52bb411146afa9618a4f48bed68912f617e6803ac8d76e4c74112 \
  "$from/f7/25/aa5684e9c59d6fc75f78926b7f15e8d9adc7de2d9e6e7575b80776ad8169/vllm-0.33.0.tar.gz")} || die "vllm: set PV_VLLM, or see $built/vllm.log"
plugin=${PV_VLLM_GGUF:-$(archive vllm-gguf-plugin 0.0.5 4c786c5ee284bb616f3a72c54c423c08d7ea6247ef14108421520de4c923776f \
  "$from/ab/0d/608dd195cff255708a6b5edb931e9f705def22fefe78a253625ac1194e1c/vllm_gguf_plugin-0.0.5.tar.gz")} ||
  die "vllm-gguf-plugin: set PV_VLLM_GGUF, or see $built/vllm-gguf-plugin.log"
model base --rope-base 500000 --eps 1e-3
model plain --rope-base 10000 --eps 1e-3
[ -e "$built/gl-freqs.gguf" ] ||
  "$python" tests/engines/rope_freqs.py "$built/gl-base.gguf" "$built/gl-freqs.gguf" || die 'no model freqs'

# A file of llama and granite has neighbours as pairs, one of exaone4 and qwen3 halves; a checkpoint has halves in all of them.
says 'SGLang and files' 'llama halves
granite halves
exaone4 neighbours
qwen3 halves
qwen3moe as they are' sglang "$sglang" gguf
says 'SGLang and checkpoints' 'llama halves
granite halves
exaone4 halves
qwen3 halves
qwen3moe divided' sglang "$sglang" checkpoint
says 'SGLang and rows' 'blk.0.attn_q.weight as in the file
blk.0.attn_k.weight as in the file' rows "$sglang" "$built/gl-base.gguf"
says 'SGLang and frequencies' 'blk.0.attn_q.weight as in the file
blk.0.attn_k.weight as in the file
rope_freqs.weight dropped' rows "$sglang" "$built/gl-freqs.gguf"
says 'vLLM and files' 'llama halves
granite halves
exaone4 halves
qwen3 halves' vllm "$vllm"
says 'its plugin and rows' 'blk.0.attn_q.weight as in the file
blk.0.attn_k.weight as in the file' plugin "$plugin" "$built/gl-base.gguf"
says 'its plugin and files in parts' '1 not tied
2 tied' tied "$plugin" "$built/gl-base.gguf"
for name in base plain; do
  case $name in base) said=500000 ;; *) said=10000 ;; esac
  says "ipex-llm, $name" "file rope.freq_base=$said attention.layer_norm_rms_epsilon=0.001
Llama rms_norm_eps=0.001 rope_theta=None rope_scaling=None
Mistral rms_norm_eps=0.001 rope_theta=None rope_scaling=None" ipex "$ipex" "$built/gl-$name.gguf"
done
# Errors of weights of some rms, and of the nearest numbers with the very same scales.
says GPTQModel 'Q4_K 0.02 0.079 0.079
Q4_K 0.001 0.079 0.079
Q4_K 0.0002 0.087 0.079
Q5_K 0.02 0.038 0.038
Q5_K 0.001 0.041 0.039
Q5_K 0.0002 0.085 0.042
Q6_K 0.02 0.019 0.019
Q6_K 0.001 0.030 0.021
Q6_K 0.0002 0.126 0.053
Q4_K decoded alike
Q5_K decoded alike
Q6_K decoded alike
TQ1_0 decoded alike
TQ2_0 decoded alike
MXFP4 decoded alike
NVFP4 decoded alike' gptqmodel "$gptqmodel"
# They are the real thing: what is not there is said.
if "$python" tests/engines/gguf_loaders.py ipex "$built" "$built/gl-base.gguf" >/dev/null 2>&1; then bad 'no package'; else ok; fi

counted
