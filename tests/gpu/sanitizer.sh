#!/usr/bin/env bash
# The four tools of compute-sanitizer over prefill and decode. Usage: sanitizer.sh PV [MODEL]
set -u
pv=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
model=${2:-$here/models/tiny-coder-moe-Q4_K_M.gguf}
passed=0
failed=0
for tool in memcheck racecheck initcheck synccheck; do
  for numerics in i16 f32-f64acc; do
    log=$(mktemp)
    # The probe itself: `pv` would only start it.
    if compute-sanitizer --tool "$tool" --error-exitcode 9 "$(dirname "$pv")/pv-probe" compare \
      "cuda:$numerics" "cuda:$numerics" --model "$model" --random 1,9,40 --batch 11 >"$log" 2>&1 &&
      grep -qE '(ERROR SUMMARY: 0 errors|RACECHECK SUMMARY: 0 hazards)' "$log"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAILED $tool $numerics"
      tail -n 30 "$log"
    fi
    rm -f "$log"
  done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
