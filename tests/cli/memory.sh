#!/usr/bin/env bash
# --memory: layers that have no room come and go, on the CPU and on the interpreted device. The bits are
# the same, what is held is below the limit, and a limit that is too small is said with what is needed.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf
contract=$here/../../contracts/qwen3-moe-forward-v1.yaml

# One error each, with the bytes; so many are enough, and one less is not.
for side in cpu ptx; do
  run "$pv" trace --model "$model" --ids 861,1644 --side $side --stage logits --out "whole-$side"
  exits 0
  run "$pv" trace --model "$model" --ids 861,1644 --side $side --stage logits --memory 1K --out none
  exits 4
  warns 'bytes of '
  warns 'memory are needed at least, and 1000 may be held: 2 layers of '
  warns 'allow more with --memory'
  needed=$(sed -n 's/^error: \([0-9]*\) bytes .*/\1/p' <<<"$err")
  run "$pv" trace --model "$model" --ids 861,1644 --side $side --stage logits --memory $((needed - 1)) --out none
  exits 4
  warns "error: $needed bytes of "
  run "$pv" trace --model "$model" --ids 861,1644 --side $side --stage logits --memory "$needed" --out "small-$side"
  exits 0
  same "$(sha256sum <"small-$side"/*logits*)" "$(sha256sum <"whole-$side"/*logits*)" "logits of $side with $needed bytes"
done
warns 'note: ptx: 4 of 4 layers (0.01 GB) have no room on the device: they come from the host for each batch'

# Both sides at once, prefill in two batches; tokens that are decoded.
run "$pv" compare cpu:i16 ptx:i16 --model "$model" --random 3 --batch 2 --memory 8M --different
exits 0
says ' 0 differ'
for memory in '' '--memory 8M'; do
  # shellcheck disable=SC2086
  run "$pv" run "$model" --ids 861,1644 --tokens 4 --print-ids $memory
  exits 0
  made+=("$out")
done
same "${made[1]}" "${made[0]}" 'tokens made with 8 MB'

run "$pv" bench "$model" --side ptx --tokens 1 --repeats 1 --prefill 1 --memory 7M
exits 0
says 'sent for each token, GB/s'
says '4 of 4 layers, 0.01 GB'

# A run of a contract keeps the limit, and says so in its evidence.
run "$pv" validate "$contract" --model "$model" --only F_FWD_FINITE,F_FWD_DETERMINISM --memory 12M --json
if [ "$code" -le 3 ]; then ok; else bad "$call: exit $code"; fi
says '"memory_limit": "12000000"'

for wrong in 8Q 0 -1 1.5G G 99999999999T; do
  run "$pv" run "$model" --ids 1 --memory "$wrong"
  exits 2
  warns "--memory '$wrong' is no number of bytes"
  warns '8G is 8,000,000,000'
done
run "$pv" validate "$contract" --memory some
exits 2
warns "--memory 'some' is no number of bytes"
run "$pv" run "$model" --ids 1 --memroy 8M
exits 2
warns 'did you mean --memory?'
finish
