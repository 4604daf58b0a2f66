#!/usr/bin/env bash
# Every fault planted once in the right side, which is the GPU's: those of weights and metadata it
# computes itself, for the others the definition stands in. `pv bisect` names stage and side of
# each. Usage: faults.sh PV
set -u
pv=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
code=0
output=$("$pv" bisect cpu:i16 cuda:i16 --model "$here/models/tiny-coder-moe-Q4_K_M.gguf" --random 12 \
  --faults 2>&1) || code=$?
printf '%s\n' "$output"
# Faults of reading files have no stage.
count=$("$pv" faults | grep -E '^ +in the ' | grep -vc 'reader of model files')
if [ "$code" -eq 0 ] && [ "$count" -ge 25 ] &&
  [[ $output == *"$count faults planted: the stage is right for $count, the side for $count." ]]; then
  echo "$count passed, 0 failed"
else
  echo "0 passed, 1 failed"
  exit 1
fi
