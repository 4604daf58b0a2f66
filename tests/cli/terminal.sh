#!/usr/bin/env bash
# What a terminal shows: lines that fit it, tables that stay tables, no colour and no line written anew
# on a dumb one, progress from the first second on, and none of it in a pipe.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
model=$root/models/tiny-coder-moe-Q4_K_M.gguf
receipt=$(echo "$root"/reports/published/moe-router-v1/*)
unset COLUMNS NO_COLOR

# screen COLUMNS TERM WORD...: sets code and out.
screen() {
  out=$(python3 "$here/screen.py" "$@")
  code=$? call="$* on a terminal" err=''
}

# too_wide COLUMNS: lines that are longer.
too_wide() { awk -v most="$1" 'length($0) > most' <<<"$out"; }

# Every help text, and what the commands print whose standard output tests/cli/output.sh looks at.
cp "$root"/contracts/{moe-router-v1,q6k-gemv-v1}.yaml contracts
contract good DRAFT "F_PASS router.topk_rule PROPOSED"
{
  sed -n '/^prints() {/,/^}/d; s/^prints //p' "$here/output.sh" | grep -vE -- '--json|^(new|bench|campaign report)|^kernel (describe|check)' |
    sed "s|\$root|$root|g; s|\$model|$model|g; s|\$receipt|$receipt|g; s|\$fake|$fake|g"
  "$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1 --help/p'
} >calls
run python3 "$here/terminal.py" "$pv" <calls
exits 0
same "$([ "$(wc -l <calls)" -ge 50 ] && echo enough)" enough "$(wc -l <calls) calls"

# COLUMNS is believed before the terminal; a number that is none is not.
COLUMNS=40 screen 100 xterm "$pv" explain --help
same "$(too_wide 40)" '' 'COLUMNS=40'
COLUMNS=4x screen 50 xterm "$pv" explain --help
same "$(too_wide 50)" '' 'COLUMNS=4x'
COLUMNS=40 run "$pv" explain --help
same "$(awk 'length($0) > 60' <<<"$out" | head -n 1 | wc -l)" 1 'COLUMNS in a pipe'

# Commands that are folded are commands.
screen 60 xterm "$pv" run --help
same "$(grep -c '\\$' <<<"$out")" 0 'examples that fit'
screen 50 xterm "$pv" run --help
same "$(grep -c '\\$' <<<"$out")" 2 'folded examples'
# JSON, code and a model's text are not folded.
screen 30 xterm "$pv" tensors "$model" --json
same "$(python3 -c 'import json, sys; json.load(sys.stdin); print("JSON")' <<<"$out")" JSON 'JSON on a terminal'
screen 30 xterm "$pv" run "$model" 'class Stack:' --tokens 24
narrow=$out
run "$pv" run "$model" 'class Stack:' --tokens 24
same "$narrow" "$out" 'text of a model on a narrow terminal'

# Colours: on a terminal that has them, unless NO_COLOR says otherwise.
screen 80 xterm "$pv" validate --probe "$fake" contracts/good.yaml
same "$(grep -c $'\x1b\[1m' <<<"$out")" 1 'colours'
NO_COLOR=1 screen 80 xterm "$pv" validate --probe "$fake" contracts/good.yaml
same "$(grep -c $'\x1b\[1m' <<<"$out")" 0 'NO_COLOR'

# shows WORD COMMAND...: progress, and nothing is left of it in the end.
shows() {
  local word=$1
  shift
  screen --pause 60 xterm "$@"
  if [[ $out = *$'\r\x1b[K'"$word"* ]]; then ok; else bad "$call: no progress '$word': ${out:0:300}"; fi
  out=${out##*$'\r\x1b[K'}
  if [[ $out != "$word"* ]]; then ok; else bad "$call: '$out' is left"; fi
}
speed=(bench "$model" --tokens 64 --repeats 1 --prefill 1 --threads 1)
shows 'read bandwidth, ' "$pv" "${speed[@]}"
exits 0
shows 'writing ' "$pv" synth --layers 24 --layout F32 --no-sync --out "$work/synth.gguf"
exits 0
shows 'bisect, ' "$pv" bisect cpu:i16 cpu:i16 --model "$model" --random 64 --threads 1
exits 0
# On a dumb terminal there is none; and a table stays one at 60 columns: figures stand under their heads.
screen --pause 60 dumb "$pv" "${speed[@]}"
same "$(grep -c $'[\r\x1b]' <<<"$out")" 0 'progress on a dumb terminal'
same "$(awk 'length($0) > 60' <<<"$out")" '' 'a table of 60 columns'
same "$(awk '/median/ { end = index($0, "median") + 5 }
  /tokens\/s/ && substr($0, 1, end) ~ /[0-9]$/ && substr($0, end + 1, 1) == " " { n++ }
  END { print n }' <<<"$out")" 2 "figures under their heads: $out"
# A file that a contract names is read and hashed by the probe, here by one that takes its time.
truncate -s 4M large.gguf
printf '#!/bin/sh\nsleep 1.5\nexec "%s" "$@"\n' "$fake" >slow_probe
chmod +x slow_probe
contract pinned DRAFT "F_PASS forward.finite PROPOSED"
sed -i '/^acceptance_criteria/i model:\n  sha256: '"$(printf '0%.0s' {1..64})"'\n  made_by: truncate\n' contracts/pinned.yaml
shows "reading the model, " "$pv" validate --probe ./slow_probe contracts/pinned.yaml --model "$work/large.gguf"
exits 2

# The words of `pv run`: the model, then the text, or standard input.
run "$pv" run "$model" 'class Stack:' --tokens 8
exits 0
text=$out
run "$pv" run --model "$model" --prompt 'class Stack:' --tokens 8
same "$out" "$text" 'by options'
run "$pv" run --model "$model" 'class Stack:' --tokens 8
same "$out" "$text" 'the model by an option'
out=$(printf 'class Stack:' | "$pv" run "$model" - --tokens 8)
same "$out" "$text" 'from standard input'
out=$(printf 'class Stack:' | "$pv" run "$model" --text - --tokens 8)
same "$out" "$text" '--text -'
run "$pv" run "$model" - --tokens 8 </dev/null
exits 2
warns 'the prompt has no tokens'
run "$pv" run "$model" a b
exits 2
run "$pv" run "$model" a --ids 1
exits 2
warns "'a' is a prompt beside another one"
run "$pv" trace "$model" "$model"
exits 2
warns "pv trace takes no argument '$model'"
run "$pv" trace "$model" --model "$model"
exits 2
warns 'the model is named twice'
for command in inspect tensors; do
  run "$pv" "$command" "$model"
  text=$out
  run "$pv" "$command" --model "$model"
  same "$out" "$text" "$command --model"
done

finish
