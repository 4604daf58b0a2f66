#!/usr/bin/env bash
# Models without experts, made here: one function on every side, found faults, judged contracts; and
# what is about experts is refused.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rm models/* # what is judged here is named
real() { run "$pv" validate "$@"; }
verdict() { awk -v id="$1" '$3 == id { print $2 }' <<<"$out"; }
judged() { same "$(verdict "$1")" "$2" "$call: $1"; }
synth() { run "$pv" synth --arch qwen3 --vocab 300 --layers 2 "$@"; }

# Rows as long as each kernel of products takes them and not, 2 and 1 query heads on a key head.
synth --hidden 256 --heads 4 --kv-heads 2 --head-dim 64 --ffn 512 --tied --layout Q4_K_M --out k.gguf
exits 0
synth --hidden 96 --heads 4 --kv-heads 2 --head-dim 40 --ffn 160 --layout Q8_0 --out q.gguf
exits 0
synth --hidden 64 --heads 2 --kv-heads 2 --head-dim 16 --ffn 40 --layout BF16 --out b.gguf
exits 0
run "$pv" tensors k.gguf
says 'blk.1.ffn_down.weight'
says '24 tensors'
silent _exps

# Bit by bit, in batches and one position at a time. A build without nvcc has no kernels to interpret.
sides=(scalar definition)
run "$pv" kernel check add
[ "$code" -eq 3 ] || sides+=(ptx)
for model in k q b; do
  for identity in i16 i8 f32-f64acc; do
    for side in "${sides[@]}"; do
      run "$pv" compare "cpu:$identity" "$side:$identity" --model $model.gguf --random 21 --batch 9
      exits 0
      says '34 tensors, '
      says ' 0 differ'
    done
    run "$pv" compare "cpu:$identity" "${sides[-1]}:$identity" --model $model.gguf --random 5 --batch 1
    exits 0
  done
done
run "$pv" run --model k.gguf --ids 1,2,3 --tokens 4 --print-ids --ignore-eos
exits 0
first=$out
run "$pv" run --side definition:i16 --model k.gguf --ids 1,2,3 --tokens 4 --print-ids --ignore-eos
same "$out" "$first" 'the tokens of both'
run "$pv" noise --model k.gguf --random 9
exits 0
says 'ERROR AND 1 - COSINE of ffn_out by layer'
says 'top tokens changed'
silent 'expert'
silent 'router'

# Each fault that there is something for is found where it was planted.
run "$pv" bisect cpu:i16 definition:i16@rope_pairs:layer=1 --model k.gguf --random 9
exits 1
says 'FINDING the right side is wrong: q_rope of layer 1'
silent 'expert'
run "$pv" bisect cpu:i16 definition:i16@uninitialised_output:layer=1 --model k.gguf --random 9
exits 1
says 'FINDING the right side is wrong: ffn_out of layer 1'
run "$pv" bisect cpu:i16 definition:i16 --faults --model k.gguf --random 9
exits 0
says 'more act on nothing in this model'
planted=$(sed -n 's/^\([0-9]*\) faults planted.*/\1/p' <<<"$out")
says "$planted faults planted: the stage is right for $planted, the side for $planted."
if [ "${planted:-0}" -ge 20 ]; then ok; else bad "$call: $planted faults are few"; fi
run "$pv" bisect cpu:i16 definition:i16@last_expert_dropped --model k.gguf --random 9
exits 2
warns 'the fault last_expert_dropped acts on no stage of the architecture qwen3'
run "$pv" trace --model k.gguf --ids 1,2,3,4 --side definition:i16 --out recorded
exits 0
run "$pv" bisect cpu:i16 trace:recorded --model k.gguf
exits 0

# A contract over it: what every forward has is judged, what is about experts is an error.
contract dense DRAFT "F_SHAPE forward.shape ACTIVE_RUNTIME" "F_PATHS forward.paths ACTIVE_RUNTIME" \
  "F_SPLIT forward.batch_split ACTIVE_RUNTIME" "F_ARBITER forward.arbiter ACTIVE_RUNTIME" \
  "F_FINITE forward.finite ACTIVE_RUNTIME" "F_NAMES names.resolve ACTIVE_RUNTIME" \
  "F_AGAIN forward.determinism ACTIVE_RUNTIME" "F_CHANGED names.mutations ACTIVE_RUNTIME"
sed -i -e 's/^    check: forward.arbiter/&\n    faults: [qk_norm_missing, uninitialised_output]/' \
  -e 's/^    check: forward.shape/&\n    faults: [superblock_short]/' contracts/dense.yaml
real contracts/dense.yaml --model k.gguf --out out
exits 0
for n in 1 2 3 4 5 6 7 8; do judged AC_$n PASS; done
if grep -q '"ffn": "512"' out/dense/*/evidence.json; then ok; else bad 'the width is no fact of the model'; fi
if grep -q expert out/dense/*/evidence.json; then bad 'experts in the evidence'; else ok; fi
real contracts/dense.yaml --model k.gguf --faults
exits 0
says '3 of 3 pairs of falsifier and fault were caught'
if [ "${sides[-1]}" = ptx ]; then
  contract kernels DRAFT "F_PARITY forward.parity ACTIVE_RUNTIME"
  sed -i 's/^    check: forward.parity/&\n    with: {left: cpu, right: ptx}/' contracts/kernels.yaml
  real contracts/kernels.yaml --model k.gguf
  exits 0
  judged AC_1 PASS
fi
for check in router.weights_sum router.index_sets experts.dispatch experts.combine_order; do
  contract routed DRAFT "F_ROUTED $check ACTIVE_RUNTIME"
  real contracts/routed.yaml --model k.gguf
  exits 3
  judged AC_1 ERROR
  says 'the model has no experts (architecture qwen3), and no criterion says `where: experts`'
done

# One that says that it is about models with experts does not apply: no PASS, and nothing in the way.
contract apart ACTIVE_RUNTIME "F_ROUTED router.weights_sum ACTIVE_RUNTIME" "F_FINITE forward.finite ACTIVE_RUNTIME"
sed -i '0,/^    needed_for/s//    where: experts\n    needed_for/' contracts/apart.yaml
sed -i 's/^    check: router.weights_sum/&\n    faults: [no_renormalisation]/' contracts/apart.yaml
real contracts/apart.yaml --model k.gguf --out apart
exits 0
judged AC_1 NOT_APPLICABLE
judged AC_2 PASS
says '1 of 2 criteria holds, and none is falsified; 1 is not about this model.'
run "$pv" evidence verify apart/apart/*
exits 0
real contracts/apart.yaml --model k.gguf --faults --json
exits 0
field 'd["summary"]["not_applicable"], d["summary"]["discharged"]' '1 1'
field 'd["criteria"][0]["where"], d["falsifiers"][0]["faults"]["killed"]' "experts []"
run "$pv" synth --layers 1 --out routed.gguf
real contracts/apart.yaml --model routed.gguf
exits 0
judged AC_1 PASS
contract nothing ACTIVE_RUNTIME "F_ROUTED router.weights_sum ACTIVE_RUNTIME"
sed -i '0,/^    needed_for/s//    where: experts\n    needed_for/' contracts/nothing.yaml
real contracts/nothing.yaml --model k.gguf
exits 3
says 'no criterion that it needs applies to this model'
sed '/where: experts/d' contracts/nothing.yaml >contracts/before.yaml
run "$pv" diff contracts/before.yaml contracts/nothing.yaml
exits 1
says 'AC_1 is about models with experts alone, was about every model'

# Numbers that it has none of.
synth --experts 4 --out x.gguf
exits 2
warns '--experts is 4, of which the architecture has none'
synth --near-tie 0 --out x.gguf
exits 2
run "$pv" synth --arch qwen4 --out x.gguf
exits 2
warns "unknown architecture 'qwen4'"
warns 'choose qwen3moe, qwen3, '
finish
