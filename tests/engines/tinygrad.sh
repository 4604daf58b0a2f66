#!/usr/bin/env bash
# Runs of tinygrad: sound ones are judged sound, and 0.13.0 is blamed for what it leaves out:
# ./dev test --engines. $1 is pv.
#
# $PV_TINYGRAD: a Python that has tinygrad 0.13.0 and numpy. Without it both are installed below build-engines/.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
tokens=3,141,59,26,53
source tests/engines/counts.bash
mkdir -p "$built"
python=${PV_TINYGRAD:-$built/tinygrad/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$built/tinygrad" && "$python" -m pip install -q tinygrad==0.13.0 numpy >"$built/tinygrad.log" 2>&1 ||
    die "tinygrad: set PV_TINYGRAD, or see $built/tinygrad.log"
fi
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$python" "$PWD/engines/tinygrad/pv-trace-tinygrad" >"$built/pv-trace-tinygrad"
chmod +x "$built/pv-trace-tinygrad"

model() { # NAME OPTIONS
  [ -e "$built/tg-$1.gguf" ] || "$pv" synth --layers 2 --vocab 512 --ffn 256 "${@:2}" --out "$built/tg-$1.gguf" >/dev/null ||
    die "no model $1"
}
# judge MODEL OPTIONS: what pv says of a run, in $out and $code.
judge() {
  out=$("$pv" judge "engine:$built/pv-trace-tinygrad,half=0$2" --model "$built/tg-$1.gguf" --ids "$tokens" --as float32 2>&1)
  code=$?
}
sound() {
  judge "$1" "${2:-}"
  if [ "$code" -eq 0 ] && grep -q '^Every judged stage is what float32 explains' <<<"$out"; then ok; else
    bad "$1 ${2:-}: exit $code: $(head -n 3 <<<"$out")"
  fi
}
wrong() { # STAGE MODEL
  judge "$2" ''
  if [ "$code" -eq 1 ] && grep -q "^First outside: $1 of layer 0," <<<"$out"; then ok; else
    bad "$2: exit $code: $(head -n 3 <<<"$out")"
  fi
}

model qwen3moe --layout F32
model llama --arch llama --layout F32
model olmoe --arch olmoe --layout Q8_0 --heads 4 --kv-heads 4
model mixtral --arch mixtral --layout F32
model linear --arch llama --layout F32 --rope-factor 4
sound qwen3moe
sound olmoe
sound llama
sound llama ,batches=3,1,1
wrong moe_router mixtral
wrong q_rope linear
# What it is told is one sentence.
out=$("$built/pv-trace-tinygrad" --model "$built/tg-llama.gguf" --ids 9999 --out "$built/tg-none" 2>&1)
if [ $? -eq 1 ] && [ "$out" = 'pv-trace-tinygrad: token 9999 is none of 512' ]; then ok; else bad "a token that is none: $out"; fi
out=$("$built/pv-trace-tinygrad" --model "$built/tg-llama.gguf" --ids 1,2 --batches 1 --out "$built/tg-none" 2>&1)
if [ $? -eq 1 ] && [ "$out" = 'pv-trace-tinygrad: batches have 1 tokens together, ids 2' ]; then ok; else bad "batches: $out"; fi
if [ ! -e "$built/tg-none" ]; then ok; else bad "a folder of a run that was refused"; fi

counted
