#!/usr/bin/env bash
# What other engines are held to in contracts: small programs stand in for an engine, each leaves a
# trace that was recorded before, sound or not.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$(cd "$here/../.." && pwd)/models/tiny-coder-moe-Q4_K_M.gguf
ids=3075,0,4095 # of the built-in prompt of three tokens
mkdir tmp bin
export TMPDIR=$work/tmp PATH=$work/bin:$PATH WORK=$work

# claims "CHECK | WITH | FAULTS"...: a contract of a criterion for each.
claims() {
  local line number=0 criteria='' falsifiers='' check with faults
  for line in "$@"; do
    number=$((number + 1))
    IFS='|' read -r check with faults <<<"$line"
    criteria+="
  - {id: AC_$number, property: Claim $number, formal: a = b, needed_for: ACTIVE_RUNTIME}"
    falsifiers+="
  - {id: F_$number, rule: r, prediction: p, criteria: [AC_$number], check: $check, if_fails: look,
     with: {prompts: [builtin-3]${with:+, $with}}, faults: [$faults]}"
  done
  contract claims-v1 PROPOSED
  sed -i '/^acceptance_criteria:/,$d' contracts/claims-v1.yaml
  printf 'acceptance_criteria:%s\nfalsification_tests:%s\n' "$criteria" "$falsifiers" >>contracts/claims-v1.yaml
}
# judge "CHECK | WITH"...: such a contract, judged by the real probe over a model without a reference.
judge() {
  claims "$@"
  run "$pv" validate contracts/claims-v1.yaml --model "$work/alone.gguf" --json
}
# got VERDICT...: one for each falsifier.
got() { field "' '.join(f['verdict'] for f in d['falsifiers'])" "$*"; }
reason() { field "'$1' in d['falsifiers'][0]['reason'] or d['falsifiers'][0]['reason']" True; }
nothing_left() { same "$(ls -A tmp)" '' "$call: left in TMPDIR"; }
cp "$model" alone.gguf

# The engine: what it leaves depends on --as.
run "$pv" trace --side cpu:f32-f64acc --model "$model" --ids "$ids" --out sound
exits 0
sed -i -e 's|"numerics": "[^"]*"|"numerics": "float32"|' -e 's/"\(backend\|engine\)": "[^"]*"/"\1": "another"/' -e 's/"version": "[^"]*"/"version": "7"/' sound/manifest.json
cat >bin/pv-another <<'SH'
#!/bin/sh
as=sound
echo run >>"$WORK/runs"
while [ $# -gt 0 ]; do case $1 in --out) out=$2 ;; --as) as=$2 ;; esac; shift; done
[ "$as" != hangs ] || exec sleep 1000
[ -d "$WORK/$as" ] || { echo "there is no $as" >&2; exit 7; }
cp -r "$WORK/$as" "$out"
SH
chmod +x bin/pv-another
# altered NAME PYTHON: a copy whose manifest `d` and files are changed by a program.
altered() {
  cp -r sound "$1"
  no_digests "$1"
  (cd "$1" && python3 -c "
import array, json
d = json.load(open('manifest.json'))
def tensor(stage, layer): return next(t for t in d['tensors'] if t['stage'] == stage and t.get('layer', layer) == layer)
def edit(stage, layer, at, by):
    t = tensor(stage, layer); x = array.array('f', open(t['file'], 'rb').read()); x[at] += by
    open(t['file'], 'wb').write(x.tobytes())
$2
json.dump(d, open('manifest.json', 'w'))")
}
altered defective "edit('attn_proj', 2, 300, 0.05)"
altered lacking "d['tensors'].remove(tensor('k_rope', 1))"
altered other-tokens "d['ids'] = [3075, 0, 4094]"
altered mute "del d['numerics']"
altered nothing "d['tensors'] = [tensor('logits', 0)]"

# Sound: judged, and compared with what pv computes in its identity.
judge 'forward.explained|backend: "engine:pv-another"' \
  'forward.explained|backend: "engine:pv-another", identity: float32, stages: [q, logits], layers: ["0", "3"]' \
  'forward.explained|backend: "engine:pv-another", tolerance: 0.001' \
  'router.index_sets|left: "engine:pv-another", right: f64' \
  'forward.argmax|left: "engine:pv-another,x=1", right: "cpu:f32-f64acc"' \
  'forward.parity|left: "engine:pv-another", right: "engine:pv-another,x=1"' \
  'forward.finite|backend: "engine:pv-another"' \
  'forward.arbiter|backend: "engine:pv-another"' \
  'router.weights_sum|backend: "engine:pv-another"' \
  'experts.dispatch|backend: "engine:pv-another"' \
  'forward.explained|backend: "trace:sound"' \
  'forward.explained|' \
  'forward.explained|backend: "cpu:f32-f64acc", identity: float32'
got PASS PASS FAIL PASS PASS PASS PASS PASS PASS PASS PASS PASS PASS
field "[d['falsifiers'][i]['compared'] for i in (0, 1, 10, 12)]" '[104739, 15360, 104739, 104739]'
field "d['falsifiers'][0]['metrics']['tensors_outside'], d['falsifiers'][0]['metrics']['tensors_not_recorded']" '0.0 0.0'
field "0 < d['falsifiers'][0]['metrics']['worst_ratio'] == d['falsifiers'][0]['needed_tolerance'] < 1" True
field "d['falsifiers'][0]['backends'][0]" engine:pv-another
field "[f['backends'][1:] for f in (d['falsifiers'][0], d['falsifiers'][5])]" "[['another 7'], ['another 7', 'engine:pv-another,x=1']]"
field "d['falsifiers'][2]['needed_tolerance'] == d['falsifiers'][0]['needed_tolerance']" True
nothing_left
# What was recorded for one falsifier serves another; explained reads its own.
same "$(wc -l <runs)" 5 'runs of the engine'

# A defect: named, in the stage and the layer where it is.
judge 'forward.explained|backend: "engine:pv-another,as=defective"' \
  'forward.explained|backend: "engine:pv-another,as=defective", layers: ["0", "1", "3"]' \
  'forward.explained|backend: "engine:pv-another,as=defective", stages: [attn_proj]' \
  'forward.explained|backend: "engine:pv-another,as=defective", stages: [q]' \
  'forward.parity|left: "engine:pv-another", right: "engine:pv-another,as=defective"'
exits 1
got FAIL PASS FAIL PASS FAIL
reason 'not what float32 explains: attn_proj of layer 2, position 1, element 44 of prompt builtin-3'
field "d['falsifiers'][0]['worst']['stage'], d['falsifiers'][0]['worst']['layer']" 'attn_proj 2'
field "[int(d['falsifiers'][i]['metrics']['tensors_outside']) for i in (0, 1, 2)]" '[2, 0, 1]'
field "'differ first in stage attn_proj of layer 2' in d['falsifiers'][4]['reason']" True
nothing_left
run "$pv" validate contracts/claims-v1.yaml --model alone.gguf
says "pv bisect f64 engine:pv-another,as=defective --model"

# Without a stage: explained says how much it did not see, what compares all refuses.
judge 'forward.explained|backend: "engine:pv-another,as=lacking"' \
  'forward.parity|left: "engine:pv-another", right: "engine:pv-another,as=lacking"' \
  'forward.finite|backend: "engine:pv-another,as=lacking"' \
  'forward.argmax|left: "engine:pv-another,as=lacking", right: "cpu:f32-f64acc"' \
  'forward.explained|backend: "engine:pv-another,as=nothing"' \
  'forward.explained|backend: "engine:pv-another,as=lacking", stages: [k_rope], layers: ["1"]'
exits 1
got PASS ERROR ERROR PASS VACUOUS VACUOUS
field "[int(d['falsifiers'][0]['metrics'][m]) for m in ('tensors_not_recorded', 'tensors_without_inputs')]" '[1, 1]'
field "'engine:pv-another,as=lacking did not record k_rope of layer 1 at every position' in d['falsifiers'][1]['reason']" True
nothing_left

# Of another function, or of one that nobody knows, bits are not compared.
judge 'forward.parity|left: "cpu:i16", right: "engine:pv-another"' \
  'forward.parity|left: "engine:pv-another", right: "engine:pv-another,as=mute"' \
  'forward.explained|backend: "engine:pv-another,as=mute"' \
  'forward.explained|backend: "engine:pv-another,as=mute", identity: float32, cache: q8_0'
got INCOMPARABLE INCOMPARABLE PASS FAIL
field "'computes what it does not say' in d['falsifiers'][1]['reason']" True
field "'not what float32/q8_0 explains' in d['falsifiers'][3]['reason']" True

# Not here: nobody looked.
judge 'forward.explained|backend: "engine:nobody-has-this"' \
  'forward.parity|left: llamacpp, right: "llamacpp:,threads=4"' \
  'forward.argmax|left: "huggingface:", right: f64'
exits 0
got NOT_RUN NOT_RUN NOT_RUN
reason 'there is no program'
# Broken.
judge 'forward.explained|backend: "engine:pv-another,as=missing"' \
  'forward.explained|backend: "engine:pv-another,as=other-tokens"' \
  'forward.explained|backend: "trace:other-tokens"' \
  'forward.explained|backend: "trace:nowhere"' \
  "forward.explained|backend: \"engine:$work/bin/pv-another\"" \
  'forward.explained|backend: "engine:pv-another,out=x"' \
  'forward.explained|stages: [moe]' \
  'forward.explained|layers: ["4"]'
got ERROR ERROR ERROR ERROR ERROR ERROR ERROR ERROR
reason 'ended with exit code 7; it said: there is no missing'
field "'a contract names a program in \$PATH' in d['falsifiers'][4]['reason']" True
field "'no layer \'4\'' in d['falsifiers'][7]['reason']" True
claims 'forward.explained|backend: "engine:pv-another,as=hangs"'
sed -i 's/if_fails: look,/if_fails: look, timeout_s: 1,/' contracts/claims-v1.yaml
run "$pv" validate contracts/claims-v1.yaml --model alone.gguf --json
got TIMEOUT
nothing_left
judge 'forward.explained|backend: "llamacp:"'
exits 2
warns 'PV028'

# The check itself: each fault that it is said to see is seen, in the side that computes.
seen=$("$pv" faults --json | python3 -c '
import json, sys
print(", ".join(f["name"] for f in json.load(sys.stdin)["faults"] if "forward.explained" in f["caught_by"]))')
claims "forward.explained||$seen" "forward.explained|backend: \"cpu:f32-f64acc\", identity: float32|$seen"
run "$pv" validate contracts/claims-v1.yaml --model "$work/alone.gguf" --faults --json
field "[f['faults']['declared'] == f['faults']['killed'] and len(f['faults']['killed']) for f in d['falsifiers']]" '[19, 19]'
claims 'forward.explained|backend: "engine:pv-another"|rope_pairs'
run "$pv" lint contracts/claims-v1.yaml
exits 2
says 'the fault rope_pairs cannot be planted in engine:pv-another'

finish
