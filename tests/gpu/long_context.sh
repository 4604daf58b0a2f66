#!/usr/bin/env bash
# One layer decoded over more than 128 chunks of attention, behind each of which the kernels of a
# decoded position change or go round once more: CPU and CUDA are equal in every bit of each position.
# Usage: long_context.sh PV
set -u
pv=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$pv" synth --layers 1 --hidden 64 --heads 8 --kv-heads 1 --head-dim 32 --experts 4 --used 2 --ffn 64 \
  --vocab 300 --context 8400 --layout Q8_0 --out "$work/long.gguf" >/dev/null || exit 1
code=0
output=$("$pv" compare cpu:i16 cuda:i16 --model "$work/long.gguf" --random 8300 --batch 1 \
  --stage attn_out,logits --different 2>&1) || code=$?
tail -n 20 <<<"$output"
if [ "$code" -eq 0 ]; then
  echo "1 passed, 0 failed"
else
  echo "0 passed, 1 failed"
  exit 1
fi
