#!/usr/bin/env bash
# Defects in a real llama.cpp, told by pv judge with stage and layer: ./dev test --engines. $1 is pv.
#
# The engine reads a file whose parameters were altered, so that it computes what a defective one would
# of the sound file; it is judged with the sound file. What no parameter does is planted in the run that
# the sound engine recorded. The writer is $PV_TRACE_LLAMACPP, else the one that llamacpp.sh built.
# Models: those of models/, and one in Q8_0 of $PV_MODELS, of ../shared/models or made here.
# PV_PLANTED=print prints what was said of each.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
planted=$PWD/tests/cli/planted.py
writer=$(realpath -m "${PV_TRACE_LLAMACPP:-build-engines/pv-trace-llamacpp}")
if [ ! -x "$writer" ]; then
  echo "FAILED there is no $writer: engines/llama.cpp/build.sh makes it, as tests/engines/llamacpp.sh does"
  exit 1
fi
models=("$PWD"/models/*-Q4_K_M.gguf)
q8=$(find "$(realpath "${PV_MODELS:-../shared/models}")" -maxdepth 1 -name '*-Q8_0.gguf' 2>/dev/null | head -n 1)
ids=861,1644,198,17,5,3000,12,700,9,1021,44,3011,256,70,77
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
# judged CODE TEXT TRACE: pv judge's first line of what is outside begins with TEXT
judged() {
  local out code said
  out=$("$pv" judge "trace:$3" --model "$model" 2>&1)
  code=$?
  said=$(grep -m 1 -E '^(First outside: |Every judged )' <<<"$out")
  [ "${PV_PLANTED:-}" != print ] || printf '%s %s: exit %d: %s\n' "${model##*/}" "$3" "$code" "$said"
  if [ "$code" -eq "$1" ] && [[ $said == "$2"* ]]; then
    ok
  else
    bad "${model##*/}, $3: exit $code, want $1: '$(head -n 2 <<<"$out")', want '$2'"
  fi
}
record() { # FILE TRACE
  "$writer" --model "$1" --ids "$ids" --out "$2" >"$2.log" 2>&1 || bad "the writer: $(tail -n 1 "$2.log")"
}
engine() { # KIND LAYER FIRST: a real engine with the defect
  python3 "$planted" file "$1" "$2" "$model" altered.gguf || bad "$1 was not planted"
  record altered.gguf "engine-$1"
  python3 "$planted" owner "$model" "engine-$1" || bad "$1 has no owner"
  rm -f altered.gguf
  judged 1 "First outside: $3" "engine-$1"
}
recorded() { # KIND LAYER FIRST: its sound run, with the defect in what was recorded
  python3 "$planted" trace "$1" "$2" "$model" sound "trace-$1" || bad "$1 was not planted"
  judged 1 "First outside: $3" "trace-$1"
}

if [ -z "$q8" ]; then
  "$pv" synth --layout Q8_0 --no-sync --out Q8_0.gguf >/dev/null || exit 1
  q8=$work/Q8_0.gguf
fi
for model in "${models[@]}" "$q8"; do
  rm -rf sound again ./*.log engine-* trace-*
  record "$model" sound
  judged 0 'Every judged stage is what ggml-cpu explains' sound
  python3 "$planted" trace again 2 "$model" sound again || bad 'the formulas fail'
  judged 0 'Every judged stage is what ggml-cpu explains' again

  engine subscale 2 'q of layer 2, position 0'
  engine high-bit 3 'v of layer 3, position 0'
  engine rope-base 0 'q_rope of layer 0, position 1'
  engine rope-base-1% 0 'q_rope of layer 0, position 1'
  engine epsilon 0 'attn_norm of layer 0, position 0'
  engine experts 0 'moe_router of layer 0, position 0'
  engine gate-up 1 'expert_gate of layer 1, position 0'

  recorded subscale 2 'q of layer 2, position 0'
  recorded high-bit 3 'v of layer 3, position 8'
  recorded rope-base 2 'q_rope of layer 2, position 1'
  recorded rope-base-1% 2 'q_rope of layer 2, position 1'
  recorded epsilon 2 'attn_norm of layer 2,'
  recorded experts 2 'moe_router of layer 2, position 0'
  recorded truncation 2 'attn_proj of layer 2, position 0'
  recorded grouping 2 'attn_out of layer 2, position 0'
  recorded flat-view 2 'moe_router_indices of layer 2, position 1'
  recorded gate-up 2 'expert_gate of layer 2, position 0'
  recorded order 2 'moe_router of layer 2, position 0'
  recorded argmax 3 'argmax, position 1'
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
