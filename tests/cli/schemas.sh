#!/usr/bin/env bash
# JSON of every command names its schema, and is what the file in docs/schema says, by python3-jsonschema.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
model=models/tiny-coder-moe-Q4_K_M.gguf
ptx=contracts/examples/kernels/q4k_gemv.ptx
tried=' '
mkdir made

# told SCHEMA COMMAND...: its JSON goes to the file that all are then looked at from.
told() {
  local want=$1
  shift
  tried+="$1 "
  run "$pv" "$@" --json
  if [ "$code" -le 3 ] && [ -n "$out" ]; then ok; else bad "pv $*: exit $code, $err"; fi
  same "$(grep -o '"schema": *"pv/[a-z-]*/v1"' <<<"$out" | head -1 | cut -d/ -f2)" "$want" "the schema of pv $*"
  echo "$out" >>"$work/made/$want.json"
}

# A contract in which something is false, and one that is not valid.
contract false DRAFT "F_FAIL router.topk_rule PROPOSED"
sed 's/needed_for/needed/' contracts/false.yaml >made/wrong.yaml
said=$("$pv" validate --probe "$fake" contracts/false.yaml --json --out out)
echo "$said" >made/validate.json
cd "$root" || exit 1
for words in 'i16 1,2' 'i8 1,2'; do
  read -r numerics ids <<<"$words"
  "$pv" trace --model "$model" --ids "$ids" --stage embedding,logits --side "cpu:$numerics" --out "$work/$numerics" >/dev/null || bad 'no trace'
done
cp -r "$work/i16" "$work/digests"
rm "$work"/digests/*.bin
published=$(echo reports/published/moe-router-v1/*)

told version version
told lint lint contracts
told lint lint "$work/made/wrong.yaml"
told status status contracts/moe-router-v1.yaml contracts/model-forward-v1.yaml
told diff diff contracts/moe-router-v1.yaml contracts/q6k-gemv-v1.yaml
told run-diff diff "$published" "$published"
told history history contracts/moe-router-v1.yaml
told signature signature "$model"
told campaign-report campaign report reports/published --out "$work/pages"
told evidence-verify evidence verify reports/published/*/*
told validate evidence show "$published"
told validate validate contracts/tensor-names-v1.yaml --out "$work/out"
told inspect inspect "$model"
told tensors tensors "$model"
told faults faults
told compare compare cpu:i16 cpu:i8 --model "$model" --ids 1,2
told compare compare trace:"$work/i16" trace:"$work/i8"
told compare-digests compare trace:"$work/i16" trace:"$work/digests"
told bisect bisect cpu:i16 cpu:i16@swapped_scale_and_min --model "$model" --ids 1,2
told bisect bisect cpu:i16 cpu:i16 --model "$model" --ids 1
told judge judge cpu:f32-f64acc --as float32 --model "$model" --ids 1
told noise noise cpu:i16 --model "$model" --ids 1 --repeats 1
told perplexity perplexity "$model" --ids 1,2,3,4 --context 4 --against f64
told bench bench --model "$model" --tokens 1 --repeats 1 --prefill 1
told reference-build reference build --model "$model" --ids 1 --out "$work/made.reference"
told kernel-list kernel list
told kernel-operations kernel operations
told kernel-check kernel check embed --on scalar
told kernel-guest kernel check contracts/examples/kernels/q4k_gemv.yaml
told kernel-guest kernel check tests/cli/guest/tail.ptx --descriptor tests/cli/guest/gemv.yaml
told ptx-list ptx list --file "$ptx"
told ptx-show ptx show q4k_gemv --file "$ptx"
told ptx-check ptx check all --file "$ptx" --require fma.rn.f32 --forbid st.global.f32

told spirv-check spirv check tests/fuzz/corpus/spirv/contracted
# Without a loader; vulkan.sh looks at those with devices.
: >"$work/libvulkan.so.1"
export LD_LIBRARY_PATH=$work
told vulkan-list vulkan list
told vulkan-prove vulkan prove
unset LD_LIBRARY_PATH

against json "$work"/made/*.json
exits 0
# Every schema was looked at: but of times on a GPU, and of what library.sh and fault_table.sh look at.
for file in docs/schema/*.json; do
  name=$(basename "$file" .json)
  case $name in
    kernel-bench | kernel-library | bisect-faults) ok ;;
    *) if [ -s "$work/made/$name.json" ]; then ok; else bad "nothing was held against $file"; fi ;;
  esac
done
# Every command that has --json was tried, and what has none has it not.
for command in $("$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  if "$pv" "$command" --help | grep -q '^  --json '; then has=yes; else has=no; fi
  [[ $tried == *" $command "* ]] && was=yes || was=no
  same "$was" "$has" "pv $command --json is tried"
done
# What is wrong is found: a member more, one less, another type, another schema.
for change in "d['more'] = 1" "del d['findings']" "d['files'] = 'ten'" "d['schema'] = 'pv/lint/v2'" "d['findings'][0]['severity'] = 'fatal'"; do
  "$pv" lint "$work/made/wrong.yaml" --json | python3 -c "import json,sys; d=json.load(sys.stdin); $change; print(json.dumps(d))" >"$work/changed.json"
  against json "$work/changed.json"
  exits 1
done
cd "$work" || exit 1
finish
