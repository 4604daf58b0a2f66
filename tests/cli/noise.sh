#!/usr/bin/env bash
# pv noise over the real probe and model: what it says, in JSON too, and what it refuses.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf
reference=${model%-Q4_K_M.gguf}.reference

run "$pv" noise --help
exits 0
says 'Usage: pv noise'
says 'pv noise --model models/tiny-coder-moe-Q4_K_M.gguf'
for option in --prompt --ids --random --seed --repeats --every-stage --json; do says " $option "; done

run "$pv" noise --model "$model" --random 6 --repeats 2
exits 0
says 'noise over 6 positions of 1 prompt'
says 'the embedding is changed by at most 2^-24 of each element, 2 runs, seed 1'
says 'last bit i16 f32-f64acc i8'
says 'embedding 6.0e-08 0 0 0'
says 'CHOICES'
says 'expert sets changed 0 of 48 0 of 24 0 of 24'
silent 'every stage'
if grep -q ' $' <<<"$out"; then bad "blanks at the end of a line"; else ok; fi

run "$pv" noise cpu:i16 --model "$model" --random 6 --repeats 3 --seed 9 --every-stage --json
exits 0
one=$out
field "d['schema'], d['prompts'], d['positions'], d['repeats'], d['seed']" "pv/noise/v1 1 6 3 9"
field "d['largest_relative_change'] == 2.0**-24, d['memory_bytes'] > 10**6" 'True True'
field "[(s['name'], s['kind'], s['computed_by']) for s in d['sources']]" \
  "[('last bit', 'last bit', None), ('every stage', 'last bit', None), ('i16', 'rounding', 'cpu')]"
field "d['sources'][2]['numerics'].split()[0], d['sources'][0]['numerics']" 'i16/2 None'
# 18 real stages in each of 4 layers, embedding, final_norm and logits.
field "[len(s['stages']) for s in d['sources']], [len(s['routing']) for s in d['sources']]" \
  '[75, 75, 75] [4, 4, 4]'
field "[s['top_tokens'] for s in d['sources']], [s['finite'] for s in d['sources']]" \
  '[18, 18, 6] [True, True, True]'
field "sum(r['expert_sets'] for r in d['sources'][0]['routing']), d['sources'][0]['stages'][0]['layer']" '72 None'
field "all(s['block'] is None for s in d['sources'][0]['stages'])" True
field "all(0 < s['block']['error'] <= 1e-3 for s in d['sources'][2]['stages'] if s['stage'] == 'moe_ffn_out')" True
# The floor lies below the roundings of an identity, and every stage's last bit between the two.
field "[a < b < c for a, b, c in [[[s['total']['error'] for s in o['stages'] if s['stage'] == 'logits'][0] for o in d['sources']]]]" \
  '[True]'
field "all(s['total']['error'] <= 2.0**-24 for s in d['sources'][0]['stages'] if s['stage'] == 'embedding')" True
run "$pv" noise cpu:i16 --model "$model" --random 6 --repeats 3 --seed 9 --every-stage --json --threads 1
exits 0
same "$(grep -v memory_bytes <<<"$out")" "$(grep -v memory_bytes <<<"$one")" 'the same seed'
run "$pv" noise cpu:i16 --model "$model" --random 6 --repeats 3 --seed 10 --every-stage --json
if [ "$one" != "$out" ]; then ok; else bad 'seeds 9 and 10 gave the same numbers'; fi

run "$pv" noise cpu:f32-f64acc --model "$model" --reference "$reference" --named p1 --repeats 1 --json
exits 0
field "d['prompts'], d['positions'] > 1, [s['name'] for s in d['sources']]" "1 True ['last bit', 'f32-f64acc']"
# A defect is seen above the noise: it drops an expert in layer 2, so layer 1 is as it was.
run "$pv" noise cpu:i16@last_expert_dropped:layer=2 --model "$model" --random 6 --json
exits 0
field "d['sources'][1]['name'], d['sources'][1]['computed_by']" \
  'cpu:i16@last_expert_dropped:layer=2 definition'
field "[s['block']['error'] > 1e-3 for s in d['sources'][1]['stages'] if s['stage'] == 'moe_ffn_out']" \
  '[False, False, True, False]'
# What is not finite has no floor.
run "$pv" noise cpu:i16@nan_in_one_element:layer=2 --model "$model" --random 6
exits 1
says 'NOT FINITE: cpu:i16@nan_in_one_element:layer=2 has no floor'
run "$pv" noise cpu:i16@nan_in_one_element:layer=2 --model "$model" --random 6 --json
exits 1
field "[s['finite'] for s in d['sources']], d['sources'][1]['stages'][-1]['total']['error']" '[True, False] inf'

# refused OPTIONS... -- TEXT
refused() {
  local text=${*: -1}
  run "$pv" noise "${@:1:$#-1}"
  exits 2
  warns "$text"
}
refused --model "$model" --repeat 3 'did you mean --repeats?'
refused --model "$model" --jason 'did you mean --json?'
refused --model "$model" --repeats 0 '--repeats'
refused --model "$model" --repeats 65 '--repeats'
refused --model "$model" --repeats -1 '--repeats'
refused --model "$model" --random 0 '--random'
refused --model "$model" --seed x '--seed'
refused --model "$model" cpu:i17 "'cpu:i17' is no side: there is no identity of cpu 'i17'"
refused --model "$model" --numerics i17 'did you mean cpu:i16?'
refused --model "$model" --numerics i16, "there is no identity of cpu ''"
refused --model "$model" f64 'f64 is the arbiter'
refused --model "$model" cpu:i16 cpu:i8 cpu 'i16 is named twice'
refused --model "$model" cpu:i16 --numerics i8 'the sides say what --numerics does'
refused --model "$model" trace:nowhere 'a trace computes nothing'
refused --model "$model" --ids 1 --random 3 'give one of --ids, --prompt, --text, --random and --reference'
refused --model "$model" --ids 99999999 'token id 99999999 is outside'
refused --model "$model" --named p0 '--named needs --reference'
refused --model "$model" --reference "$reference" --named nobody "the reference has no prompt 'nobody'"
refused --model "$model" cpu:i16@rope_pair 'did you mean rope_pairs?'
refused --model "$model" cpu:i16@f32_accumulator 'does not exist in i16'
refused --random 3 'no model was named'
refused --model "$work/absent.gguf" 'absent.gguf'

# On a terminal: nothing at first, a line of progress after a second, and it is taken away.
cat >terminal.py <<'PY'
import os, pty, subprocess, sys
master, slave = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
seen = b''
try:
    while chunk := os.read(master, 65536):
        seen += chunk
except OSError:
    pass
child.wait()
print(seen.count(b'noise, ') > 0, seen == b'' or seen.endswith(b'\r\x1b[K'))
PY
long=(--model "$model" --random 16 --repeats 48 --threads 1)
run python3 terminal.py "$pv" noise "${long[@]}"
same "$out" 'True True' 'a long run on a terminal'
run "$pv" noise "${long[@]}"
same "$err" '' 'a long run in a pipe'
finish
