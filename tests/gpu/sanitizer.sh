#!/usr/bin/env bash
# The four tools of compute-sanitizer. First each must report the defect that is planted for it and
# find a sound kernel clean; then it watches prefill and decode of the model, and decode of one with so
# many heads that eight of them share each copy of the keys. Usage: sanitizer.sh PV [MODEL]
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$(cd "$(dirname "$1")" && pwd)
model=${2:-$here/models/tiny-coder-moe-Q4_K_M.gguf}
declare -A planted=([memcheck]=out_of_bounds [racecheck]=race [initcheck]=uninitialised
  [synccheck]=divergent)
passed=0
failed=0
work=$(mktemp -d)
log=$work/log
trap 'rm -rf "$work"' EXIT
"$1" synth --layers 1 --hidden 32 --heads 264 --kv-heads 33 --head-dim 128 --experts 4 --used 2 --ffn 32 \
  --vocab 300 --layout Q8_0 --out "$work/heads.gguf" >/dev/null || exit 1

PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin
if ! command -v compute-sanitizer >/dev/null; then
  echo "FAILED compute-sanitizer is not on this machine: it comes with the CUDA toolkit"
  echo "0 passed, 1 failed"
  exit 1
fi

# watch TOOL COMMAND...: compute-sanitizer's exit code; its output is in the log.
watch() {
  timeout 300 compute-sanitizer --tool "$1" --error-exitcode 9 "${@:2}" >"$log" 2>&1
}
clean() { grep -qE '(ERROR|RACECHECK) SUMMARY: 0 (errors|hazards)' "$log"; }
reported() { grep -qE '(ERROR|RACECHECK) SUMMARY: [1-9][0-9]* (error|hazard)' "$log"; }

verdict() { # OK TEXT
  if [ "$1" = yes ]; then
    passed=$((passed + 1))
    echo "ok     $2"
  else
    failed=$((failed + 1))
    echo "FAILED $2"
    tail -n 30 "$log"
  fi
}

for tool in memcheck racecheck initcheck synccheck; do
  watch "$tool" "$bin/gpu_defect" "${planted[$tool]}" && code=0 || code=$?
  [ "$code" -eq 9 ] && reported && ok=yes || ok=no
  verdict "$ok" "$tool reports the planted defect ${planted[$tool]}"
  watch "$tool" "$bin/gpu_defect" sound && clean && ok=yes || ok=no
  verdict "$ok" "$tool finds nothing in a sound kernel"
  for numerics in i16 f32-f64acc; do
    # The probe itself: `pv` would only start it.
    watch "$tool" "$bin/pv-probe" compare "cuda:$numerics" "cuda:$numerics" --model "$model" \
      --random 1,9,40 --batch 11 && clean && ok=yes || ok=no
    verdict "$ok" "$tool finds nothing in the forward, $numerics"
  done
  watch "$tool" "$bin/pv-probe" compare cuda:i16 cuda:i16 --model "$work/heads.gguf" --random 130 \
    --batch 129 --stage logits && clean && ok=yes || ok=no
  verdict "$ok" "$tool finds nothing in eight heads at once"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq 20 ]
