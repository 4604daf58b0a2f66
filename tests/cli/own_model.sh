#!/usr/bin/env bash
# A model of one's own, without a reference: what compares with no known output is judged over the
# built-in prompts, with the real probe. What needs a GPU is told of with the fake one.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
rm models/* # what is judged here is named
real() { run "$pv" validate "$@"; }
verdict() { awk -v id="$1" '$3 == id { print $2 }' <<<"$out"; }
judged() { same "$(verdict "$1")" "$2" "$call: $1"; }
# The value of a member of evidence.json that has one string, in its pretty-printed form.
member() { sed -n "s/^ *\"$1\": \"\\(.*\\)\",*\$/\\1/p" "$2"/evidence.json | sort -u; }

run "$pv" synth --layers 2 --out own.gguf
exits 0
# One layer, 8 positions and the smallest vocabulary that there is.
run "$pv" synth --layers 1 --context 8 --vocab 258 --out small.gguf
exits 0
cp "$root"/contracts/*.yaml contracts/
mkdir -p reports
cp -r "$root/reports/published" reports/published

for model in own small; do
  names=builtin-1,\ builtin-3,\ builtin-16,\ builtin-17,\ builtin-64
  [ $model = own ] || names=builtin-1,\ builtin-3,\ builtin-8
  for name in moe-expert-dispatch-v1 moe-router-v1; do
    real "contracts/$name.yaml" --model $model.gguf --out out
    exits 0
    silent STALE
    silent NOT_RUN
    silent 'note:'
  done
  folder=$(readlink -f out/moe-router-v1/latest)
  same "$(member prompts "$folder")" "$names" "the prompts of $model in the evidence"
  same "$(member reference_sha256 "$folder")" '' "a reference of $model in the evidence"
  rm -r out

  # The CPU's criteria of both big contracts. Three need what a reference has, and say so.
  real contracts/qwen3-moe-forward-v1.yaml --model $model.gguf
  exits 3
  for id in 1 3 4 6; do judged AC_CPU_MOE_00$id PASS; done
  for id in 2 5; do judged AC_CPU_MOE_00$id NOT_RUN; done
  says "F_FWD_PATHS: no reference was given, and none of the built-in prompts is 'p0'; no receipt is about this model"
  says 'F_FWD_REFERENCE: no reference was given: there are no outputs to compare with; no receipt is about this model'
  warns 'it is needed by F_FWD_PATHS, F_FWD_REFERENCE'
  silent STALE
  real contracts/qwen3-moe-forward-gpu-v1.yaml --model $model.gguf
  exits 3 # nobody typed that status: it was earned with another model
  for id in 02 03 04 10 11 15; do judged AC_GPU_MOE_0$id PASS; done
  judged AC_GPU_MOE_005 NOT_RUN
  warns 'it is needed by F_CPU_REFERENCE, F_GPU_REFERENCE'
  # 014 is about the kernels alone: in a build without them its receipt may be stale, whatever the model.
  same "$(grep -E ' STALE +AC_' <<<"$out" | grep -v AC_GPU_MOE_014)" '' 'what is STALE'
  silent ERROR
  real contracts/tensor-names-v1.yaml --model $model.gguf
  exits 3
  says 'the model has 3 tensor types, 5 are needed'
done
real contracts/qwen3-moe-forward-gpu-v1.yaml --model small.gguf --only F_GPU_THROUGHPUT
exits 3
says '129 positions are needed, the model has 8'

# What is planted is seen in them.
real contracts/moe-expert-dispatch-v1.yaml --model own.gguf --faults
exits 0
says '6 of 6 pairs of falsifier and fault were caught'
real contracts/moe-router-v1.yaml --model own.gguf --faults
exits 0
says '4 of 4 pairs'
real contracts/qwen3-moe-forward-v1.yaml --model small.gguf --faults
exits 3
says 'planted faults: 10 of 17 pairs' # the others are of the two that need a reference
silent VACUOUS

# The command that is suggested runs over the same tokens.
contract claim DRAFT "F_ARBITER forward.arbiter ACTIVE_RUNTIME"
sed -i 's/^    check: forward.arbiter/&\n    with: {min_cosine: 1, prompts: [builtin-17]}/' contracts/claim.yaml
real contracts/claim.yaml --model own.gguf
exits 1
says 'of prompt builtin-17'
command=$(grep -o 'pv bisect .*' <<<"$out")
same "$command" "pv bisect f64 cpu:i16 --model $work/own.gguf --named builtin-17" 'the command'
# shellcheck disable=SC2086
run "$pv" ${command#pv } --json
first=$out
ids=() state=17 # as docs/checks.md has it, for a vocabulary of 4096
for ((i = 0; i < 17; i++)); do
  state=$((state * 6364136223846793005 + 1442695040888963407))
  ids+=($(((state >> 33 & 0x7fffffff) % 4096)))
done
ids[1]=0
ids[16]=4095
run "$pv" bisect f64 cpu:i16 --model own.gguf --ids "$(IFS=, && echo "${ids[*]}")" --json
same "$(grep -v '"again"' <<<"$out" | sha256sum)" "$(grep -v '"again"' <<<"$first" | sha256sum)" \
  'bisect over the ids themselves'
run "$pv" bisect f64 cpu:i16 --model small.gguf --named builtin-17
exits 2
warns "this model has no prompt 'builtin-17'"
warns 'built in is builtin-8, for example'
run "$pv" explain forward.arbiter
says 'prompts (of its reference, else built in)'

# Receipts, with the fake probe. Of the built-in prompts of one program they hold for the same model
# and no reference alone.
rung=ACTIVE_RUNTIME
other=$(printf 'b%.0s' {1..64})
printf 'a model' >a.gguf
printf 'its reference' >a.reference
printf 'another model' >b.gguf
contract gpu $rung "F_CPU names.resolve ACTIVE_ALGORITHM_LEVEL" "F_DEVICE forward.finite $rung"
sed -i 's/^    check: forward.finite/&\n    with: {backend: cuda}/' contracts/gpu.yaml
export PV_FAKE_BACKEND=cuda
# What a machine with a device says of a.gguf, as published evidence.
receipts() {
  rm -rf reports
  PV_FAKE_DEVICE='NVIDIA H100' validate contracts/gpu.yaml --model a.gguf
  exits 0
  mkdir reports/published
  mv reports/runs/gpu reports/published/gpu
}
unseen='this model was never seen on a GPU: run on one'
receipts
validate contracts/gpu.yaml --model a.gguf
exits 0
mv a.reference kept
validate contracts/gpu.yaml --model a.gguf
exits 3
judged AC_2 NOT_RUN
says 'there is no CUDA device; no receipt is about these prompts'
receipts
validate contracts/gpu.yaml --model a.gguf
exits 0
PV_FAKE_PROMPTS=$other validate contracts/gpu.yaml --model a.gguf
exits 3
says 'no receipt is about these prompts'
mv kept a.reference
validate contracts/gpu.yaml --model a.gguf
exits 3
says 'no receipt is about these prompts'
rm a.reference
# Another model is no change of this one, whatever else changed: 3, and not STALE, as the contract was
# earned once; 1 where it never was. With the model itself a change of the kernels is STALE.
validate contracts/gpu.yaml --model b.gguf
exits 3
judged AC_2 NOT_RUN
says 'there is no CUDA device; no receipt is about this model'
warns "$unseen"
PV_FAKE_PTX=bb PV_FAKE_KERNELS=$other validate contracts/gpu.yaml --model b.gguf
exits 3
silent STALE
warns "$unseen, or add --backend ptx to have the kernels interpreted"
validate contracts/gpu.yaml --model b.gguf --only F_CPU
exits 3
says 'left out by --only; no receipt is about this model'
run "$pv" status --probe "$fake" --model b.gguf contracts/gpu.yaml
says 'no receipt is about this model'
PV_FAKE_KERNELS=$other validate contracts/gpu.yaml --model a.gguf
exits 3
judged AC_2 STALE
silent 'never seen'
PV_FAKE_BACKEND=ptx validate contracts/gpu.yaml --model b.gguf --backend ptx
silent 'or add --backend ptx'
rm -r reports
validate contracts/gpu.yaml --model b.gguf
exits 1
judged AC_2 NOT_RUN
silent 'never seen'
finish
