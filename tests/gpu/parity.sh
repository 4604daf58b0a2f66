#!/usr/bin/env bash
# CPU and CUDA are equal in every bit of every stage of every layer: the golden prompts, the longest
# of 549 tokens, and random ones of the lengths at which kernels change, as one batch, in ragged
# batches and decoded; then the main contract.
# Usage: parity.sh PV [MODEL...]; without models the four files of tiny-coder-moe, of which those that
# are not in models/ lie in $PV_MODELS (default ../shared/models). One that is missing is a failure.
set -u
pv=$1
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
more=${PV_MODELS:-$here/../shared/models}
if [ $# -eq 0 ]; then
  set -- "$here/models/tiny-coder-moe-Q4_K_M.gguf"
  for type in BF16 Q6_K Q8_0; do set -- "$@" "$more/tiny-coder-moe-$type.gguf"; done
fi
passed=0
failed=0

verdict() { # CODE TEXT OUTPUT
  if [ "$1" -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok     $2"
  else
    failed=$((failed + 1))
    echo "FAILED $2"
    tail -n 20 <<<"$3"
  fi
}

equal() { # MODEL NUMERICS NAME ARGS...
  local output counts='' code=0
  output=$("$pv" compare "cpu:$2" "cuda:$2" --model "$1" --different "${@:4}" 2>&1) || code=$?
  [ "$code" -ne 0 ] || counts=": $(tail -n 1 <<<"$output")"
  verdict "$code" "$(basename "$1" .gguf) $2, $3$counts" "$output"
}

for model in "$@"; do
  if [ ! -f "$model" ]; then
    verdict 1 "$model is not here" "PV_MODELS names the folder of the files that are not in models/"
    continue
  fi
  reference=${model%.gguf}.reference
  [ -f "$reference" ] || reference=$here/models/tiny-coder-moe.reference
  for numerics in i16 f32-f64acc i8; do
    equal "$model" "$numerics" 'golden prompts' --reference "$reference"
    equal "$model" "$numerics" 'random prompts' --random 1,2,3,7,8,9,31,32,33,64,65,100
    equal "$model" "$numerics" 'batches of 7' --random 100 --batch 7
    # Stages that are read run launch by launch, these two as one recorded sequence.
    equal "$model" "$numerics" 'decoded, launches recorded' --random 140 --batch 1 --stage logits,argmax
    equal "$model" "$numerics" 'decoded, every stage' --random 70 --batch 1
  done
done
code=0
output=$("$pv" validate "$here/contracts/qwen3-moe-forward-gpu-v1.yaml" 2>&1) || code=$?
[[ $output == *' by receipt'* ]] && code=1 # this device has to show it
verdict "$code" 'the main contract' "$output"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq $((15 * $# + 1)) ]
