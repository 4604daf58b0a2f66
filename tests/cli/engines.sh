#!/usr/bin/env bash
# Sides that are other engines: small programs stand in for them, one that leaves a trace which was
# recorded before, others that fail in each way.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$(cd "$here/../.." && pwd)/models/tiny-coder-moe-Q4_K_M.gguf
ids=861,1644,198
mkdir tmp bin
export TMPDIR=$work/tmp PATH=$work/bin:$PATH WORK=$work

# engine NAME: a program of the lines on standard input, that knows $out and what else it was given.
engine() {
  { printf '%s\n' '#!/bin/sh' "printf '%s\\n' \"\$@\" >\"\$WORK/called\"" \
      'while [ $# -gt 0 ]; do case $1 in --out) out=$2 ;; esac; shift; done' && cat; } >"$1"
  chmod +x "$1"
}
judge() { run "$pv" judge "$1" --model "$model" --ids "$ids" "${@:2}"; }
nothing_left() { same "$(ls -A tmp)" '' "$call: left in TMPDIR"; }

run "$pv" trace --side cpu:f32-f64acc --model "$model" --ids "$ids" --out sound
exits 0
sed -i -e 's|"numerics": "[^"]*"|"numerics": "float32"|' -e 's/"\(backend\|engine\)": "[^"]*"/"\1": "another"/' sound/manifest.json
engine copy <<<'cp -r "$WORK/sound" "$out"'

# What is run, and how.
judge engine:./copy
exits 0
says 'Every judged stage is what float32 explains: 104739 elements'
same "$(sed 's|^.*/pv-engine-[^/]*/trace$|FOLDER|' called | tr '\n' ' ')" \
  "--ids $ids --model $model --out FOLDER " 'the call'
nothing_left
says 'computed by another'
judge engine:./copy --json
field "d['computed_by'].split()[0], d['observer']" 'another None'
judge 'engine:./copy,flash=on,batches=2,1,gpu-layers=0,name=a=b'
exits 0
same "$(tail -n +7 called | tr '\n' ' ')" '--flash on --batches 2,1 --gpu-layers 0 --name a=b ' 'options'
nothing_left
# The usual program of a kind, in $PATH; a name with a comma; tokens of a prompt.
cp copy bin/pv-trace-llamacpp
cp copy 'bin/a,b'
for side in llamacpp llamacpp: llamacpp:,flash=on engine:a,b "huggingface:$work/copy"; do
  judge "$side"
  exits 0
  nothing_left
done
run "$pv" judge engine:./copy --model "$model" --prompt 'import os
'
exits 0
same "$(sed -n 2p called)" "$ids" 'ids of a prompt'

# In every command that takes sides.
run "$pv" compare engine:./copy trace:sound --model "$model"
exits 0
says '80 tensors, 104739 elements compared, 0 differ'
run "$pv" compare llamacpp: engine:./copy --model "$model" --ids "$ids" --json
exits 0
field "d['verdict'], d['left_model_sha256'] == d['right_model_sha256'] != None" 'equal True'
run "$pv" bisect cpu:f32-f64acc engine:./copy,x=1 --model "$model" --ids "$ids"
exits 0
says 'cpu:f32-f64acc and engine:./copy,x=1, 3 tokens in batches of 3'
says 'computed by another'
nothing_left
run "$pv" trace --side engine:./copy --model "$model" --ids "$ids" --out kept
exits 0
says 'kept/manifest.json'
same "$(diff -r sound kept)" '' 'the folder of pv trace'
run "$pv" trace --side engine:./copy --model "$model" --ids "$ids" --out kept
exits 2
warns "'kept' is there already"
same "$(diff -r sound kept)" '' 'a folder that was there'
run "$pv" trace --side engine:./copy --model "$model" --ids "$ids" --out other --layer 1
exits 2
warns '--stage, --layer and --batch are of sides of pv'
run "$pv" run --side llamacpp: --model "$model" --ids "$ids"
exits 2
warns 'llamacpp is another engine: pv computes nothing by it'
warns 'pv judge, bisect, compare, trace and perplexity run it'
run "$pv" compare engine:./copy cpu:i16 --model "$model" --random 3,4
exits 2
warns 'engine:./copy takes one sequence of tokens'
run "$pv" bisect cpu:i16 engine:./copy --model "$model" --ids "$ids" --faults
exits 2
warns '--faults plants faults'

# Nodes of the engine's own names, by a map.
engine nodes <<<'cp -r "$WORK/sound" "$out"; sed -i "s/\"stage\": \"logits\"/\"node\": \"result\"/" "$out/manifest.json"'
printf '{"schema": "pv/map/v1", "engine": "another", "nodes": {"result": "logits"}}' >map.json
judge engine:./nodes --map map.json
exits 0
says '104739 elements'
judge engine:./nodes
exits 2
warns 'engine:./nodes: manifest.json'
warns map
run "$pv" judge cpu:i16 --model "$model" --ids "$ids" --map map.json
exits 2
warns 'no side is one'

# No side.
for side in engine engine: engine:,a=b llamacpp@x; do
  judge "$side"
  exits 2
  warns 'it names no program'
done
judge engine:./copy,flash=on,out=x
exits 2
warns 'pv itself says --out'
judge engyne:./copy
exits 2
warns 'did you mean engine:./copy?'

# No program.
judge engine:nobody-has-this
exits 2
warns "there is no program 'nobody-has-this' in \$PATH"
judge huggingface:
exits 2
warns "there is no program 'pv-trace-huggingface' in \$PATH"
printf '#!/nowhere/sh\n' >no-interpreter
chmod +x no-interpreter
: >plain
for program in ./missing ./plain "$work" ./copy,flash; do
  judge "engine:$program"
  exits 2
  warns 'is not there, or is no program that can be run'
done
judge engine:./no-interpreter
exits 2
warns "cannot start './no-interpreter'"
nothing_left

# One that fails, with half a trace behind it.
engine killed <<<'cp -r "$WORK/sound" "$out"; echo "about to fall" >&2; kill -SEGV $$'
judge engine:./killed
exits 2
warns './killed was ended by signal 11'
warns 'it said: about to fall'
engine fails <<<'mkdir "$out"; echo first >&2; echo "the model is too large" >&2; echo >&2; exit 7'
judge engine:./fails
exits 2
warns './fails ended with exit code 7; it said: the model is too large'
silent first
nothing_left
run "$pv" trace --side engine:./fails --model "$model" --ids "$ids" --out half
exits 2
if [ ! -e half ]; then ok; else bad 'a trace of a program that failed was kept'; fi
engine mute <<<'exit 1'
judge engine:./mute
exits 2
warns 'ended with exit code 1 and said nothing'
engine loud <<<'yes | head -c 5000000; yes | head -c 5000000 >&2; cp -r "$WORK/sound" "$out"'
judge engine:./loud
exits 0
engine hangs <<<'cp -r "$WORK/sound" "$out"; touch "$WORK/hanging"; sleep 1000 & wait'
judge engine:./hangs --engine-timeout 0.5
exits 2
warns './hangs was not ready after 0.5 s'
warns '--engine-timeout S lets it run longer'
nothing_left
judge engine:./copy --engine-timeout soon
exits 2
warns '--engine-timeout'

# One that is interrupted: the program and the folder go.
rm -f hanging
"$pv" judge engine:./hangs --model "$model" --ids "$ids" >.out 2>.err &
child=$!
for ((i = 0; i < 300; i++)); do
  [ ! -e hanging ] || break
  sleep 0.1
done
kill -TERM "$child"
wait "$child"
code=$? call='an interrupted run' out=$(cat .out) err=$(cat .err)
if [ "$code" -ne 0 ]; then ok; else bad "$call: exit code 0"; fi
warns interrupted
nothing_left

# One that leaves no trace, or a wrong one.
engine silent <<<'exit 0'
judge engine:./silent
exits 2
warns './silent ended well and left no manifest.json in the folder of --out'
engine rubbish <<<'mkdir "$out"; head -c 300 /bin/sh >"$out/manifest.json"'
judge engine:./rubbish
exits 2
warns 'engine:./rubbish: manifest.json'
# wrong FROM TO: the copy with another text in its manifest.
wrong() {
  engine wrong <<<"cp -r \"\$WORK/sound\" \"\$out\"; sed -i 's|$1|$2|' \"\$out/manifest.json\""
}
wrong '"model_sha256": "....' '"model_sha256": "0000'
judge engine:./wrong
exits 2
warns 'the trace is of another model'
warns 'engine:./wrong'
wrong '"861,1644,198"' '"861,1644,199"'
judge engine:./wrong
exits 2
warns 'the trace that engine:./wrong left is of other tokens'
engine lacks <<<'cp -r "$WORK/sound" "$out"; rm "$out"/*embedding*'
judge engine:./lacks
exits 2
warns 'engine:./lacks: '
nothing_left

finish
