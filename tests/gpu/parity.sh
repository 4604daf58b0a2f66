#!/usr/bin/env bash
# CPU and CUDA are equal in every bit of every stage of every layer: all models at hand, the
# identities that both have, prompts from one token to 549, prefill, decode and ragged batches; then
# the falsifiers of the main contract. Usage: parity.sh PV [MODEL...]
set -u
pv=$1
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ $# -gt 0 ] || set -- "$here"/models/*.gguf "$here"/../shared/models/*.gguf
passed=0
failed=0

equal() { # MODEL NUMERICS ARGS...
  local model=$1 numerics=$2
  shift 2
  if "$pv" compare "cpu:$numerics" "cuda:$numerics" --model "$model" --different "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $model $numerics $*"
  fi
}

for model in "$@"; do
  [ -f "$model" ] || continue
  for numerics in i16 f32-f64acc i8; do
    equal "$model" "$numerics" --random 1,2,3,7,8,9,31,32,33,64,65,100,549
    equal "$model" "$numerics" --random 100 --batch 7
    # Stages that are read run launch by launch, these two as one recorded sequence.
    equal "$model" "$numerics" --random 140 --batch 1 --stage logits,argmax
    equal "$model" "$numerics" --random 70 --batch 1
  done
done
if "$pv" validate "$here/contracts/qwen3-moe-forward-gpu-v1.yaml"; then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 1 ]
