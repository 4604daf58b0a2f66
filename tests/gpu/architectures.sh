#!/usr/bin/env bash
# CPU and CUDA are equal in every bit of every stage of every layer in models of each architecture:
# random prompts longer than their windows and than two chunks of attention, as one batch, in ragged
# batches and decoded.
# Usage: architectures.sh PV [MODEL...]; without models all of the folder $PV_ARCH (default
# ../shared/arch/models), of which there must be some. PV_SIDE=ptx: the interpreter, not the device.
set -u
pv=$1
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
side=${PV_SIDE:-cuda}
[ $# -gt 0 ] || set -- "${PV_ARCH:-$here/../shared/arch/models}"/*.gguf
passed=0
failed=0

equal() { # MODEL NUMERICS NAME ARGS...
  local output code=0
  output=$("$pv" compare "cpu:$2" "$side:$2" --model "$1" --different "${@:4}" 2>&1) || code=$?
  if [ "$code" -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok     $(basename "$1" .gguf) $2, $3: $(tail -n 1 <<<"$output")"
  else
    failed=$((failed + 1))
    echo "FAILED $(basename "$1" .gguf) $2, $3"
    tail -n 20 <<<"$output"
  fi
}

for model in "$@"; do
  if [ ! -f "$model" ]; then
    failed=$((failed + 1))
    echo "FAILED $model is not here: PV_ARCH names the folder"
    continue
  fi
  for numerics in i16 f32-f64acc i8; do
    equal "$model" "$numerics" 'batches' --random 1,7,8,33,150
    equal "$model" "$numerics" 'batches of 7' --random 40 --batch 7
    # Stages that are read run launch by launch, these two as one recorded sequence.
    equal "$model" "$numerics" 'decoded, launches recorded' --random 140 --batch 1 --stage logits,argmax
    equal "$model" "$numerics" 'decoded, every stage' --random 70 --batch 1
  done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq $((12 * $#)) ]
