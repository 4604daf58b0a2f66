#!/usr/bin/env bash
# Graphs of ONNX Runtime GenAI: sound ones are judged sound, and 0.18.0 is blamed for what it does not read:
# ./dev test --engines. $1 is pv.
#
# $PV_ONNXRUNTIME: a Python that has onnxruntime-genai 0.18.0 and what its README.md names. Without it they are
# installed below build-engines/, torch with what it brings.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
tokens=3,141,59,26,53
source tests/engines/counts.bash
mkdir -p "$built"
python=${PV_ONNXRUNTIME:-$built/onnxruntime/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$built/onnxruntime" &&
    "$python" -m pip install -q onnxruntime-genai==0.18.0 onnxruntime==1.32.0 onnx==1.23.2 onnx_ir transformers==5.24.0 \
      torch gguf==0.19.0 >"$built/onnxruntime.log" 2>&1 ||
    die "ONNX Runtime GenAI: set PV_ONNXRUNTIME, or see $built/onnxruntime.log"
fi
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$python" "$PWD/engines/onnxruntime/pv-trace-onnxruntime" >"$built/pv-trace-onnxruntime"
chmod +x "$built/pv-trace-onnxruntime"

model() { # NAME OPTIONS
  [ -e "$built/ort-$1.gguf" ] ||
    "$pv" synth --layers 2 --vocab 640 --ffn 320 --hidden 256 --heads 4 --kv-heads 2 --layout F32 "${@:2}" --out "$built/ort-$1.gguf" >/dev/null ||
    die "no model $1"
}
# judge MODEL OPTIONS: what pv says of a run, in $out and $code.
judge() {
  out=$("$pv" judge "engine:$built/pv-trace-onnxruntime$2" --model "$built/ort-$1.gguf" --ids "$tokens" 2>&1)
  code=$?
}
sound() {
  judge "$1" "${2:-}"
  if [ "$code" -eq 0 ] && grep -q '^Every judged stage is what float32 explains' <<<"$out"; then ok; else
    bad "$1 ${2:-}: exit $code: $(head -n 3 <<<"$out")"
  fi
}
wrong() { # STAGE MODEL OPTIONS
  judge "$2" "${3:-}"
  if [ "$code" -eq 1 ] && grep -q "^First outside: $1," <<<"$out"; then ok; else
    bad "$2 ${3:-}: exit $code: $(head -n 3 <<<"$out")"
  fi
}

llama=(--arch llama --head-dim 64)
qwen3=(--arch qwen3 --head-dim 128)
model llama "${llama[@]}"
model llama-linear "${llama[@]}" --rope-factor 4
model llama-yarn "${llama[@]}" --rope-factor 4 --yarn
model qwen3-linear "${qwen3[@]}" --rope-factor 4
model qwen3-yarn "${qwen3[@]}" --rope-factor 4 --yarn
model experts --head-dim 64
sound llama ,batches=3,1,1
sound qwen3-linear
for name in llama-linear llama-yarn qwen3-yarn; do wrong 'k_rope of layer 0' "$name"; done
# What it is told is one sentence.
out=$("$built/pv-trace-onnxruntime" --model "$built/ort-experts.gguf" --ids 1,2 --out "$built/ort-none" 2>&1)
if [ $? -eq 1 ] && grep -qx 'pv-trace-onnxruntime: the builder makes no graph: .*' <<<"$out"; then ok; else bad "experts: $out"; fi
out=$("$built/pv-trace-onnxruntime" --model "$built/ort-llama.gguf" --ids 1,2 --batches 1 --out "$built/ort-none" 2>&1)
if [ $? -eq 1 ] && [ "$out" = 'pv-trace-onnxruntime: batches have 1 tokens together, ids 2' ]; then ok; else bad "batches: $out"; fi
if [ ! -e "$built/ort-none" ]; then ok; else bad "a folder of a run that was refused"; fi

counted
