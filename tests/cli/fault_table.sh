#!/usr/bin/env bash
# Every fault is found where it was planted, and docs/faults.md says what the command says.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
page=$here/../../docs/faults.md
run "$pv" bisect cpu:i16 cpu:i16 --model "$here/../../models/tiny-coder-moe-Q4_K_M.gguf" --random 12 --faults
exits 0
silent '**no**'
# Faults of reading files have no stage.
count=$("$pv" faults | grep -E '^ +in the ' | grep -vc 'reader of model files')
says "$count faults planted: the stage is right for $count, the side for $count."
same "$(grep -c '^| `' <<<"$out")" "$count" 'lines of the table'
# The table of the page, and its last sentence.
same "$(sed -n '/^| fault | identity/,/faults planted/p' "$page")" "$out" 'docs/faults.md'
run "$pv" bisect cpu:i16 cpu:i16 --model "$here/../../models/tiny-coder-moe-Q4_K_M.gguf" --ids 1,2 --faults --json
echo "$out" >told.json
against json told.json # docs/schema/bisect-faults.json
exits 0
finish
