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
run "$pv" bisect cpu:i16 cpu:i16@wrong_head_group:layer=2 --model "$model" --ids 1,2,3,4
exits 1
says 'FINDING the right side is wrong: attn_out of layer 2'
says 'where attn_out of layer 2, position 0, element 64'
says 'since here: up to this stage no bit differs between the sides'
says 'not defined left 0, right '
says "again pv bisect cpu:i16 cpu:i16@wrong_head_group:layer=2 --model $model --ids 1,2,3,4"
says 'on the right the definition stands in'
says 'kernel the definition (kernels/definition/definition.c), on the right'
# What is outside the layers has no layer's number.
run "$pv" bisect cpu:i16 cpu:i16@argmax_out_of_range --model "$model" --ids 1,2
exits 1
says 'the right side is wrong: argmax where argmax, position 0, element 0'
says 'introduced) argmax right: 2 of 2 elements;'
# On the left, in the bytes of a tensor: the CPU backend itself computes with them.
run "$pv" bisect cpu:i16@wrong_sub_scale:layer=1 cpu:i16 --model "$model" --ids 1,2 --json
exits 1
field "d['verdict'], d['culprit']['stage'], d['culprit']['layer'], d['sides'][0]['computed_by']" \
  "left q 1 cpu"
field "d['culprit']['tensor']['name'], d['culprit']['tensor']['type']" 'blk.1.attn_q.weight Q4_K'
field "sum(s['left']['undefined'] > 0 for s in d['stages']) >= 1, sum(s['right']['undefined'] for s in d['stages'])" 'True 0'
run "$pv" bisect cpu:i16 cpu:f32-f64acc@wrong_sub_scale:layer=1 --model "$model" --ids 1,2
says 'kernel mm_f64acc (kernels/cpu/mm_f64acc.c), on the right'
# No number: one word for it, in every figure.
run "$pv" bisect cpu:i16 cpu:i16@nan_in_one_element:layer=1 --model "$model" --ids 1,2
exits 1
says 'right nan, float64'
says 'largest 1 - cosine, logits'
silent '-nan'
# Different functions: that comes first, and nobody is called wrong.
run "$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 30
exits 0
says 'TWO DIFFERENT FUNCTIONS'
says 'each side is what its identity defines; cpu:i8 is the less exact one; they part in q of layer 0'
says "with the left side's experts on the right"
# A fallback has no stage.
run "$pv" bisect cpu:i16 cuda:i16@silent_fallback --model "$model" --ids 1,2
exits 1
says 'the right side is wrong'
says 'cuda was asked for on the right, cpu computed'
# A folder that was computed before takes a side's place, with its own tokens.
run "$pv" trace --model "$model" --ids 5,6,7 --out whole
run "$pv" bisect cpu:i16 trace:whole --model "$model"
exits 0
says 'the right side was recorded; computed by cpu'
says 'FINDING no bit differs, and both are as their identity defines'
silent 'NOT JUDGED'
run "$pv" bisect cpu:i16 trace:whole --model "$model" --ids 5,6,8
exits 2
warns 'whole: error: the trace is of other tokens than those of this run'
# Of which model it is stands in the manifest: another file is no side, and is not compared.
sha=$(sha256sum "$model" | cut -d' ' -f1)
same "$(python3 -c "import json; m=json.load(open('whole/manifest.json')); print(m['model_sha256'], m['ids'], m['backend'])")" "$sha 5,6,7 cpu" 'the manifest'
cp "$model" other.gguf
printf '\001' | dd of=other.gguf bs=1 seek=$(($(wc -c <other.gguf) - 1)) conv=notrunc status=none
run "$pv" bisect cpu:i16 trace:whole --model other.gguf
exits 2
warns "whole: error: the trace is of another model: its SHA-256 begins with ${sha:0:12}, that of other.gguf with $(sha256sum other.gguf | cut -c1-12)"
warns 'name with --model the file that was traced'
run "$pv" trace --model other.gguf --ids 5,6,7 --out others
run "$pv" compare trace:whole trace:others
exits 3
says "INCOMPARABLE: the two traces are of different models left: SHA-256 ${sha:0:12}..."
run "$pv" compare trace:whole trace:others --json
exits 3
field "d['verdict'], d['compared'], d['tensors'], d['left_model_sha256']" "incomparable 0 [] $sha"
run "$pv" trace --model "$model" --ids 5,6,8 --out later
run "$pv" compare trace:whole trace:later
exits 3
says 'INCOMPARABLE: the two traces are of different token ids'
run "$pv" bisect trace:whole trace:later --model "$model"
exits 2
warns 'later: error: the trace is of other tokens'
run "$pv" trace --model "$model" --ids 5,6,7 --side cpu:i8 --out eight
run "$pv" compare trace:whole trace:eight --different
exits 3
says 'INCOMPARABLE: the two sides compute different functions'
# A trace that does not say is taken, and that is told.
cp -r whole silent
python3 -c "import json; m = json.load(open('silent/manifest.json')); del m['model_sha256']; json.dump(m, open('silent/manifest.json', 'w'))"
run "$pv" bisect cpu:i16 trace:silent --model "$model"
exits 0
says 'of which model its manifest does not say'
run "$pv" compare trace:whole trace:silent --different
exits 0
says 'of which model the right trace is, its manifest does not say'
silent 'the left trace'
# Weights that are no numbers: the tensor that stands last in the file, which all its experts have.
tail=$("$pv" tensors "$model" | awk '$1 ~ /\.weight$/ { bytes = $NF } END { print bytes }')
cp "$model" none.gguf
head -c "$tail" /dev/zero | tr '\000' '\377' |
  dd of=none.gguf bs=4096 seek=$(($(wc -c <none.gguf) - tail)) oflag=seek_bytes conv=notrunc status=none
for sides in 'cpu:i16 cpu:i16' 'f64 cpu:i16'; do
  # shellcheck disable=SC2086
  run "$pv" bisect $sides --model none.gguf --ids 5,6
  exits 1
  says 'FINDING the weights are not finite: blk.3.ffn_down_exps.weight, element '
  says 'is nan; so expert_down of layer 3 has no number, on both sides'
  says 'left nan, right nan, float64 nan'
  says ' 3 nan nan nan expert_down nan expert_down'
  silent '-nan'
done
run "$pv" trace --model none.gguf --ids 5,6 --stage moe_ffn_out,logits --out few-none
run "$pv" bisect trace:few-none trace:few-none --model none.gguf
exits 1
says 'FINDING moe_ffn_out of layer 3 has no number, the first of what is recorded, on both sides'
says 'or before in what the right side has not recorded: embedding'
run "$pv" compare trace:few-none trace:few-none --json
exits 0
field "[t['max_abs'] for t in d['tensors'] if t['stage'] == 'logits']" "['nan']"
# One element of one file: the sign of the last value of layer 2.
cp -r whole wrong
no_digests wrong
python3 - <<'PY'
with open('wrong/attn_out.2.bin', 'r+b') as f:
    f.seek(-1, 2)
    last = f.read(1)[0]
    f.seek(-1, 2)
    f.write(bytes([last ^ 0x80]))
PY
run "$pv" bisect trace:wrong trace:whole --model "$model" --json
exits 1
field "d['verdict'], d['culprit']['stage'], d['culprit']['layer'], d['culprit']['position'], d['culprit']['element']" 'left attn_out 2 2 511'
field "[s['recorded'] for s in d['sides']], d['different'], d['sides'][0]['not_recorded']" '[True, True] 1 []'
# Few stages: what is between them is told, and what was not judged.
run "$pv" trace --model "$model" --ids 5,6,7 --stage attn_norm,attn_proj --out few
run "$pv" trace --model "$model" --ids 5,6,7 --stage q --out q
run "$pv" bisect trace:few trace:q --model "$model"
exits 1
says 'nothing was compared: the sides have no stage in common'
no_digests few
python3 - <<'PY'
with open('few/attn_proj.1.bin', 'r+b') as f: f.write(b'\0\0\200\177')
PY
run "$pv" bisect cpu:i16 few --model "$model"
exits 1
says 'the right side is wrong: attn_proj of layer 1'
says 'file few/attn_proj.1.bin'
says 'or before in what the right side has not recorded: q 1; k 1; v 1; q_rope 1; k_rope 1; attn_out 1'
says 'NOT JUDGED on the right, not recorded (stage, layers): embedding; q 0-3; k 0-3;'
says 'right inf, float64'
run "$pv" bisect trace:few trace:q --model "$model" --json
exits 1
field "d['verdict'], d['culprit']['left'], d['culprit']['right'], d['compared']" 'left inf None 0'
# By another program: no identity that pv defines, no tokens.
python3 -c "import json; m = json.load(open('wrong/manifest.json')); del m['ids']; m['numerics'] = 'q8/7'; json.dump(m, open('wrong/manifest.json', 'w'))"
run "$pv" bisect cpu:i16 trace:wrong --model "$model"
exits 2
warns 'wrong: error: the manifest does not say of which tokens the trace is'
run "$pv" bisect cpu:i16 trace:wrong --model "$model" --ids 5,6,7
exits 1
says 'NO DEFINITION: pv does not define how a side computes; float64 alone judges it'
says 'q8/7 (not defined here)'
says 'of which tokens its manifest does not say'
says 'bits differ, and no definition says which are right; against float64 the right side is first far off in attn_out of layer 2'
says 'where attn_out of layer 2, position 2'
# An expert that there is not is wrong in every identity, and a sound side is no finding.
cp -r wrong expert
no_digests expert
printf '\143' | dd of=expert/moe_router_indices.1.bin bs=1 seek=0 conv=notrunc status=none
run "$pv" bisect cpu:i16 trace:expert --model "$model" --ids 5,6,7
exits 1
says 'the right side is wrong: moe_router_indices of layer 1 holds an expert that does not exist'
run "$pv" bisect cpu:i16 trace:expert --model "$model" --ids 5,6,7 --json
exits 1
field "d['sides'][1]['why'], d['sides'][1]['first_undefined']['layer']" 'an expert that does not exist 1'
run "$pv" trace --model "$model" --ids 5,6,7 --side cpu:f32-f64acc --out sound
python3 -c "import json; m = json.load(open('sound/manifest.json')); m['numerics'] = 'q8/7'; json.dump(m, open('sound/manifest.json', 'w'))"
run "$pv" bisect cpu:i16 trace:sound --model "$model"
exits 0
says 'Right side: Every judged stage is what any explains'
says 'against float64 the right side is nowhere far off'
run "$pv" bisect cpu:i16 trace:sound --model "$model" --explain
exits 0
says 'It computes what float32 explains.'
run "$pv" bisect cpu:i16 trace:sound --model "$model" --json
exits 0
field "d['judged'][0], d['judged'][1]['identity'], d['judged'][1]['outside']" 'None any 0'
run "$pv" bisect cpu:i16 trace:sound --model "$model" --explain --json
exits 2
warns '--explain prints a table'
truncate -s 100 q/q.3.bin
run "$pv" bisect cpu:i16 trace:q --model "$model"
exits 2
warns 'q/q.3.bin: error: the file has 100 bytes, the manifest says 6144'
run "$pv" bisect cpu:i16 trace:nowhere --model "$model"
exits 2
warns 'nowhere/manifest.json'
run "$pv" bisect cpu:i16 trace:few --model "$model" --fault rope_pairs
exits 2
warns 'a fault cannot be planted in a trace'
# The spelling of before is read, and told to be old: an option for a fault, a folder's bare name.
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --ids 1,2 --fault rope_pairs:layer=1
exits 1
says 'cpu:i16 and cpu:i16@rope_pairs:layer=1'
warns 'note: an option of its own is the old way to name a side, read for one version more; say cpu:i16@rope_pairs:layer=1'
run "$pv" bisect cpu:i16 few --model "$model"
warns 'note: few is the old way to name a side, read for one version more; say trace:few'
run "$pv" bisect cpu:i16 cpu:f64 --model "$model" --ids 1,2
warns 'say f64'
run "$pv" bisect cpu:i17 cpu:i8 --model "$model"
exits 2
warns "'cpu:i17' is no side: there is no identity of cpu 'i17', but i16, f32-f64acc, i8"
warns 'did you mean cpu:i16?'
run "$pv" bisect cpu:i16 trace: --model "$model"
exits 2
warns 'names no folder'
run "$pv" bisect cpu:i16 trace:few --model "$model" --faults
exits 2

# Interrupted, it goes on from its file and says the same; a finished one says it at once.
run "$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 6 --resume state --json --svg pictures
exits 0
whole=$out
same "$(ls pictures)" 'error.svg
router.svg' 'pictures'
for name in error router; do
  python3 -c 'import sys, xml.dom.minidom as m; d = m.parse(sys.argv[1]); assert len(d.getElementsByTagName("path")) >= 2' "pictures/$name.svg" || bad "$name.svg"
done
rm state
"$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 6 --resume state --json >/dev/null &
until [ -s state ]; do sleep 0.01; done
kill -9 $! # the probe dies with it
wait 2>/dev/null
run "$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 6 --resume state --json --svg pictures
same "$out" "$whole" 'the report of an interrupted run'
for _ in 1 2; do
  run "$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 6 --resume state --json --svg pictures
  exits 0
  same "$out" "$whole" 'the report of a finished run'
done
run "$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 6 --seed 2 --resume state
exits 2
warns 'state: error: the state is of other sides, tokens or options, of another model or pv'
run "$pv" bisect cpu:i16 cpu:i8 --model "$model" --random 6 --faults --resume state
exits 2

run "$pv" bisect cpu:i16 cpu:i16@rope_pair --model "$model"
exits 2
warns "there is no fault 'rope_pair'"
warns 'did you mean rope_pairs?'
run "$pv" bisect cpu:i16 cpu:i16@f32_accumulator --model "$model"
exits 2
warns 'the fault f32_accumulator does not exist in i16'
run "$pv" bisect cpu:i16 cpu:i16@rope_pairs --model "$model" --faults
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
says 'rope_pairs RoPE turns neighbours where halves are meant, or the reverse'
run "$pv" faults --names
exits 0
same "$(wc -l <<<"$out")" "$("$pv" faults --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["faults"]))')" 'names'
# A red validate says which bisect to run, and that command runs as printed.
contract red-v1 PROPOSED 'F_RED forward.arbiter ACTIVE_ALGORITHM_LEVEL' \
  'F_AGAIN forward.arbiter ACTIVE_ALGORITHM_LEVEL'
sed -i 's/^    check: .*/&\n    with: {numerics: i8, min_cosine: 0.9999999}/' contracts/red-v1.yaml
reference=$here/../../models/tiny-coder-moe.reference
run "$pv" validate contracts/red-v1.yaml --model "$model" --reference "$reference"
exits 1
says 'where it begins, and who is wrong:'
command=$(grep -o 'bisect f64 cpu:i8 .*' <<<"$out")
same "$(wc -l <<<"$command")" 1 'two falsifiers that see the same: one command'
if grep -qE -- '--reference [^ ]+ --named [a-z0-9]+$' <<<"$command"; then ok; else bad "no prompt in: $command"; fi
# shellcheck disable=SC2086
run "$pv" $command
exits 0
says 'each side is what its identity defines; cpu:i8 is the less exact one'
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --named p0
exits 2
run "$pv" bisect cpu:i16 cpu:i16 --model "$model" --reference "$reference" --named nobody
exits 2
warns "the reference has no prompt 'nobody'"
finish
