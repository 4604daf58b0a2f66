#!/usr/bin/env bash
# Runs of OpenVINO GenAI: sound ones are judged sound, and 2026.4.1 is blamed for what it loses and leaves out:
# ./dev test --engines. $1 is pv.
#
# $PV_OPENVINO: a Python that has openvino-genai 2026.4.1, numpy and gguf. Without it they are installed below
# build-engines/.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
tokens=3,141,59,26,53
source tests/engines/counts.bash
mkdir -p "$built"
python=${PV_OPENVINO:-$built/openvino/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$built/openvino" && "$python" -m pip install -q openvino-genai==2026.4.1 numpy gguf >"$built/openvino.log" 2>&1 ||
    die "OpenVINO GenAI: set PV_OPENVINO, or see $built/openvino.log"
fi
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$python" "$PWD/engines/openvino/pv-trace-openvino" >"$built/pv-trace-openvino"
chmod +x "$built/pv-trace-openvino"

model() { # NAME OPTIONS
  [ -e "$built/ov-$1.gguf" ] || "$pv" synth --layers 2 --vocab 512 --ffn 256 "${@:2}" --out "$built/ov-$1.gguf" >/dev/null ||
    die "no model $1"
}
# judge MODEL OPTIONS: what pv says of a run, in $out and $code.
judge() {
  out=$("$pv" judge "engine:$built/pv-trace-openvino$2" --model "$built/ov-$1.gguf" --ids "$tokens" --as float32 2>&1)
  code=$?
}
sound() {
  judge "$1" "${2:-}"
  if [ "$code" -eq 0 ] && grep -q '^Every judged stage is what float32 explains' <<<"$out"; then ok; else
    bad "$1 ${2:-}: exit $code: $(head -n 3 <<<"$out")"
  fi
}
wrong() { # STAGE LAYER MODEL
  judge "$3" ''
  if [ "$code" -eq 1 ] && grep -q "^First outside: $1$2," <<<"$out"; then ok; else
    bad "$3: exit $code: $(head -n 3 <<<"$out")"
  fi
}

model q8_0 --arch qwen3 --layout Q8_0
model q4_k --arch qwen3 --layout Q4_K_M
model llama --arch llama --layout Q8_0
model linear --arch llama --layout Q8_0 --rope-factor 4
model experts --layout Q8_0
sound q8_0
sound q8_0 ,batches=3,1,1
sound llama
wrong embedding '' q4_k
wrong q_rope ' of layer 0' linear
# What it is told is one sentence.
out=$("$built/pv-trace-openvino" --model "$built/ov-experts.gguf" --ids 1,2 --out "$built/ov-none" 2>&1)
if [ $? -eq 1 ] && grep -qx 'pv-trace-openvino: OpenVINO GenAI does not read the file: .*' <<<"$out"; then ok; else bad "experts: $out"; fi
out=$("$built/pv-trace-openvino" --model "$built/ov-llama.gguf" --ids 1,2 --batches 1 --out "$built/ov-none" 2>&1)
if [ $? -eq 1 ] && [ "$out" = 'pv-trace-openvino: batches have 1 tokens together, ids 2' ]; then ok; else bad "batches: $out"; fi
if [ ! -e "$built/ov-none" ]; then ok; else bad "a folder of a run that was refused"; fi

counted
