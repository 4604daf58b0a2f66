#!/usr/bin/env bash
# pv compare over two sides that compute, and pv bench with lists, over the real probe and model.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf

# Prefill on the left, ragged batches on the right: the same bits in all 80 tensors of each prompt.
run "$pv" compare cpu:i16 cpu:i16 --model "$model" --random 3,20 --batch 7
exits 0
says '3 tokens: 0 differ'
says '20 tokens: 0 differ'
says '160 tensors, 802999 elements compared, 0 differ'
run "$pv" compare cpu:i16 cpu:i16 --model "$model" --random 20 --batch 1 --stage logits,argmax --json
exits 0
field "[t['stage'] for t in d['tensors']], d['compared'], d['different']" "['logits', 'argmax'] 81940 0"
# Another function: that is said, and it differs everywhere behind the embedding.
run "$pv" compare cpu:i16 cpu:i8 --model "$model" --ids 1,2,3 --layer 0 --json
exits 3
field "d['verdict'], d['reason']" 'incomparable the two sides compute different functions: no difference is a defect'
field "d['same_numerics'], d['tensors'][0]['stage'], d['tensors'][0]['different']" 'False embedding 0'
field "[t['different'] > 0 for t in d['tensors'] if t['stage'] == 'q']" '[True]'
run "$pv" compare cpu:i16 cpu:i8 --model "$model" --prompt 'def f' --different
exits 3
says 'INCOMPARABLE: the two sides compute different functions'
# The same seed gives the same tokens, another one others.
said=()
for seed in 1 1 2; do
  run "$pv" compare cpu:i16 cpu:i8 --model "$model" --random 5 --seed "$seed" --stage q --json
  said+=("$out")
done
if [ "${said[0]}" = "${said[1]}" ]; then ok; else bad 'seed 1 gave other numbers the second time'; fi
if [ "${said[0]}" != "${said[2]}" ]; then ok; else bad 'seeds 1 and 2 gave the same numbers'; fi

# All prompts of a reference: nine, of 644 positions.
run "$pv" compare cpu:i16 cpu:i16 --model "$model" --reference "${model%-Q4_K_M.gguf}.reference" \
  --stage argmax --different
exits 0
says '549 tokens: 0 differ'
says '9 tensors, 644 elements compared, 0 differ'
run "$pv" compare cpu:i16 cpu:i16 --model "$model" --reference "$model"
exits 2
warns 'is not one of version 1'

run "$pv" compare cpu:i16 cpx --model "$model" --random 3
exits 2
warns "'cpx' is no side: there is no kind 'cpx', but cpu, scalar, avx2, vnni, cuda, cuda0+1, cuda0+1/experts, ptx, ptx0+1, ptx0+1/experts, vulkan, vulkan0, vulkan1, f64, definition, trace"
warns 'did you mean cpu?'
run "$pv" compare cpu:i16 trace:nowhere --model "$model" --random 3
exits 2
warns 'nowhere/manifest.json'

# A trace beside a side that computes, in any place: over the trace's own tokens.
"$pv" trace --model "$model" --ids 861,1644,198 --batch 2 --out whole >/dev/null
for sides in 'trace:whole cpu:i16' 'scalar:i16 trace:whole' 'trace:whole trace:whole'; do
  # shellcheck disable=SC2086
  run "$pv" compare $sides --model "$model"
  exits 0
  says '80 tensors, 104739 elements compared, 0 differ'
done
run "$pv" compare trace:whole cpu:i16 --model "$model" --batch 1 --stage q,logits --layer 1,3 --json
exits 0
field "[(t['stage'], t['layer']) for t in d['tensors']], d['only_left'], d['only_right']" \
  "[('q', 1), ('q', 3), ('logits', None)] 0 0"
sha=$(sha256sum "$model" | cut -d' ' -f1)
field "d['left_model_sha256'], d['right_model_sha256'], d['verdict']" "$sha $sha equal"
run "$pv" compare trace:whole trace:whole --stage q,logits --layer 1,3
exits 0
says '3 tensors, '
run "$pv" compare trace:whole cpu:i16@rope_pairs:layer=1 --model "$model" --stage q_rope --different
exits 1
says 'q_rope 1 1536 '
silent 'q_rope 0 '
run "$pv" compare cpu:i8 trace:whole --model "$model"
exits 3
says 'INCOMPARABLE: the two sides compute different functions'
run "$pv" compare f64 cpu:i16 --model "$model" --ids 1 --stage logits
exits 3
says 'INCOMPARABLE: the two sides compute different functions'
# What a trace lacks is seen, unless nobody asks for it.
"$pv" trace --model "$model" --ids 861,1644,198 --stage q,logits --out few >/dev/null
run "$pv" compare cpu:i16 trace:few --model "$model"
exits 1
says '5 tensors, 18432 elements compared, 0 differ 75 tensors only on the left, 0 only on the right'
run "$pv" compare cpu:i16 trace:few --model "$model" --stage q,logits
exits 0
silent 'only on the left'
run "$pv" compare cpu:i16 trace:few --model "$model" --stage k
exits 3
# Of other tokens or of another model it is no side; and some tokens must be known.
run "$pv" compare cpu:i16 trace:few --model "$model" --ids 861,1644
exits 2
warns 'few: error: the trace is of other tokens than those of this run'
run "$pv" compare cpu:i16 trace:few --model "$model" --random 3,4
exits 2
cp "$model" other.gguf
printf '\001' | dd of=other.gguf bs=1 seek=$(($(wc -c <other.gguf) - 1)) conv=notrunc status=none
run "$pv" compare trace:few cpu:i16 --model other.gguf
exits 2
warns 'few: error: the trace is of another model'
sed -i '/"ids"/d' few/manifest.json
run "$pv" compare trace:few cpu:i16 --model "$model"
exits 2
warns 'few: error: the manifest does not say of which tokens the trace is'
run "$pv" compare trace:few cpu:i16 --model "$model" --ids 861,1644,198 --stage q,logits
exits 0
says 'of which tokens the left trace is, its manifest does not say'
silent 'the right trace'
run "$pv" compare trace:few cpu:i16 --model "$model" --ids 861,1644 --stage q,logits
exits 2
warns 'the trace has 3 positions, the run 2'
# Sides of one identity, by other code, and the definition itself.
for other in cpu scalar:i16 definition:i16; do
  run "$pv" compare cpu:i16 "$other" --model "$model" --random 3 --different
  exits 0
done
run "$pv" compare cpu:i16 cpu:i16@rope_pairs:layer=1 --model "$model" --random 3 --stage q_rope --different
exits 1
# --side, and the options that named it before.
run "$pv" run --model "$model" --ids 1 --tokens 2 --print-ids --side scalar
exits 0
silent 'old way'
new=$out
run "$pv" run --model "$model" --ids 1 --tokens 2 --print-ids --backend cpu --numerics i16 --path scalar
exits 0
same "$out" "$new" 'the tokens'
warns 'note: an option of its own is the old way to name a side, read for one version more; say scalar:i16'
run "$pv" run --model "$model" --ids 1 --side cpu --numerics i16
exits 2
warns '--side says what --backend, --numerics and --path do'
run "$pv" run --model "$model" --ids 1 --side trace:nowhere
exits 2
warns 'a trace computes nothing'
run "$pv" compare cpu:i16 gpu:i16 --model "$model" --random 3
exits 2
warns "there is no kind 'gpu'"
run "$pv" compare cpu:i16 cpu:i16 --model "$model"
exits 2
run "$pv" compare cpu:i16 cpu:i16 --model "$model" --random 3 --ids 1
exits 2
warns 'give one of --ids, --prompt, --text, --random and --reference'
run "$pv" compare cpu:i16 cpu:i16 --model "$model" --random 0
exits 2
warns 'a length of 0'

run "$pv" bench --model "$model" --threads 2 --tokens 2 --repeats 1 --prefill 4,8 --context 0,5 --json
exits 0
field "[x['context'] for x in d['decode']], [x['prompt'] for x in d['prefill']]" '[0, 5] [4, 8]'
field "all(x['tokens_per_s']['median'] > 0 for x in d['decode'] + d['prefill'])" True
field "d['decode'][1]['bytes_per_token'] > d['decode'][0]['bytes_per_token']" True
# The number that was used, also where none was named: one for each processor.
run taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" "$pv" bench --model "$model" --tokens 1 --repeats 1 --prefill 1
exits 0
says 'cpu i16, 1 thread;'
run "$pv" bench --model "$model" --tokens 1 --repeats 1 --prefill 1 --threads 3 --json
field "d['threads']" 3
run "$pv" bench --model "$model" --context 5,5
exits 2
warns '--context: 5 is out of range or out of order'
run "$pv" bench --model "$model" --prefill 0
exits 2
run "$pv" bench --model "$model" --prefill 1,2,3,4,5,6,7,8,9
exits 2
warns '--prefill takes 1 to 8 sizes'
finish
