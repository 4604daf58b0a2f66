#!/usr/bin/env bash
# pv bisect and pv faults over the real probe and model.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf

run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --random 6
exits 0
says 'FINDING no bit differs, and both are as their identity defines'
silent 'AGAINST FLOAT64'
# A fault on the right: stage, layer, side, size, and how to see it again.
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --ids 1,2,3,4 --fault wrong_head_group:layer=2
exits 1
says 'FINDING the right side is wrong: attn_out of layer 2'
says 'where attn_out of layer 2, position 0, element 64'
says 'since here: up to this stage no bit differs between the sides'
says 'not defined left 0, right '
says "again pv bisect cpu:i16 cpu:i16 --model $model --ids 1,2,3,4 --fault wrong_head_group:layer=2"
says 'on the right the plain backend stands in'
# On the left, in the bytes of a tensor: the CPU backend itself computes with them.
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --ids 1,2 --left-fault wrong_sub_scale:layer=1 --json
exits 1
field "d['verdict'], d['culprit']['stage'], d['culprit']['layer'], d['sides'][0]['computed_by']" \
  "left q 1 cpu"
field "d['culprit']['tensor']['name'], d['culprit']['tensor']['type']" 'blk.1.attn_q.weight Q4_K'
field "sum(s['left']['undefined'] > 0 for s in d['stages']) >= 1, sum(s['right']['undefined'] for s in d['stages'])" 'True 0'
# Different functions: that comes first, and nobody is called wrong.
run "$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 30
exits 1
says 'TWO DIFFERENT FUNCTIONS'
says 'each side is what its identity defines; cpu:i8 is the less exact one; they part in q of layer 0'
says "with the left side's experts on the right"
# A fallback has no stage.
run "$pv" bisect cpu:i16 cuda:i16 --model "$model" --ids 1,2 --fault silent_fallback
exits 1
says 'the right side is wrong'
says 'cuda was asked for on the right, cpu computed'

run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --fault rope_pair
exits 2
warns "there is no fault 'rope_pair'"
warns 'did you mean rope_pairs?'
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --fault f32_accumulator
exits 2
warns 'the fault f32_accumulator does not exist in i16'
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --fault rope_pairs --faults
exits 2
run "$pv" bisect cpu:i16 --model "$model"
exits 2
warns 'name two sides'
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --ids 1 --random 3
exits 2

run "$pv" faults --json
exits 0
field "len(d['faults']) >= 25, all(f['caught_by'] for f in d['faults'])" 'True True'
run "$pv" faults
says 'rope_pairs RoPE turns neighbours, not halves'
run "$pv" faults --names
exits 0
same "$(wc -l <<<"$out")" "$("$pv" faults --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["faults"]))')" 'names'
# A red validate says which bisect to run, and that command runs as printed.
contract red-v1 PROPOSED 'F_RED forward.arbiter ACTIVE_ALGORITHM_LEVEL'
sed -i 's/^    check: .*/&\n    with: {numerics: i8, min_cosine: 0.9999999}/' contracts/red-v1.yaml
sed -i 's/timeout_s: 5/timeout_s: 120/' contracts/red-v1.yaml # float64 under a sanitizer takes its time
reference=$here/../../models/tiny-coder-moe.reference
run "$pv" validate contracts/red-v1.yaml --model "$model" --reference "$reference"
exits 1
says 'where it begins, and who is wrong:'
command=$(grep -o 'bisect cpu:f64 cpu:i8 .*' <<<"$out")
if grep -qE -- '--reference [^ ]+ --named [a-z0-9]+$' <<<"$command"; then ok; else bad "no prompt in: $command"; fi
# shellcheck disable=SC2086
run "$pv" $command
exits 1
says 'each side is what its identity defines; cpu:i8 is the less exact one'
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --named p0
exits 2
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --reference "$reference" --named nobody
exits 2
warns "the reference has no prompt 'nobody'"
finish
