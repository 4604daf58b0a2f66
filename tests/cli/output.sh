#!/usr/bin/env bash
# Standard output of every command: a reader that has enough ends it in silence, a full disk is an
# error. Commands that go on for long end at once.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
model=$root/models/tiny-coder-moe-Q4_K_M.gguf
receipt=$(echo "$root"/reports/published/moe-router-v1/*)
tried=' '

# A pipe that nobody reads: descriptor 9.
mkfifo pipe
exec 8<>pipe
exec 9>pipe
exec 8<&-

# prints WORD...: nobody reads what the command prints, then nothing can be written.
prints() {
  tried+="$1 "
  "$pv" "$@" >&9 2>.err
  code=$? call="$* to a closed pipe" out='' err=$(cat .err)
  exits 141
  same "$err" '' "$call: standard error"
  "$pv" "$@" >/dev/full 2>.err
  code=$? call="$* to a full disk" err=$(cat .err)
  exits 2
  warns 'error: cannot write to standard output'
  same "$(grep -c 'standard output' .err)" 1 "$call: said once"
}

cd "$root" || exit 1
cp -r contracts/moe-router-v1.yaml contracts/q6k-gemv-v1.yaml "$work/contracts"
cd "$work" || exit 1
prints --help
prints run --help
prints lint --help
prints --version
prints version --json
prints lint contracts
prints lint contracts --json
prints status contracts
prints status contracts --json
prints diff contracts/moe-router-v1.yaml contracts/q6k-gemv-v1.yaml
prints diff contracts/moe-router-v1.yaml contracts/q6k-gemv-v1.yaml --json
prints diff "$receipt" "$receipt"
prints diff "$receipt" "$receipt" --json
prints history contracts/moe-router-v1.yaml
prints history contracts/moe-router-v1.yaml --json
prints explain PV001
prints explain forward.finite
prints explain --provider "$root/examples/providers/softmax.py"
prints new check mine --stdout
prints completion bash
prints completion words ''
prints evidence verify "$receipt"
prints evidence show "$receipt"
prints evidence verify "$receipt" --against "$receipt/statement.json"
prints campaign report "$root/reports/published" --out "$work/pages"
prints campaign report "$root/reports/published" --out "$work/pages" --json
prints signature "$model"
prints signature "$model" --json
prints inspect "$model"
prints inspect "$model" --json
prints tensors "$model"
prints tensors "$model" --json
prints faults
prints faults --names
prints kernel list
prints kernel list --json
prints kernel operations
prints kernel operations --json
prints kernel check "$root/contracts/examples/kernels/q4k_gemv.yaml"
prints kernel check "$root/contracts/examples/kernels/q4k_gemv.yaml" --json
prints kernel describe "$root/contracts/examples/kernels/q4k_gemv.ptx" --as q4_k_gemv
prints explain kernel-descriptor
prints run --model "$model" --ids 1 --tokens 3
prints run --model "$model" --ids 1 --tokens 3 --print-ids
prints compare cpu:i16 cpu:i16 --model "$model" --ids 1
prints compare cpu:i16 cpu:i16 --model "$model" --ids 1 --json
prints bisect cpu:i16 cpu:i16 --model "$model" --ids 1
prints judge cpu:f32-f64acc --as float32 --model "$model" --ids 1
prints judge cpu:f32-f64acc --as float32 --model "$model" --ids 1 --json
prints noise cpu:i16 --model "$model" --ids 1 --repeats 1
prints perplexity "$model" --ids 1,2,3,4 --context 4
prints perplexity "$model" --ids 1,2,3,4 --context 4 --against f64 --json
prints bench --model "$model" --tokens 1 --repeats 1 --prefill 1
contract good DRAFT "F_PASS router.topk_rule PROPOSED"
prints validate --probe "$fake" contracts/good.yaml
prints validate --probe "$fake" contracts/good.yaml --json
# What these write goes to a file; the line that they print is about it.
for command in trace synth reference campaign; do
  case $command in
    trace) words=(trace --model "$model" --ids 1 --stage embedding) ;;
    synth) words=(synth --layers 1) ;;
    campaign) words=(campaign --probe "$fake" contracts/good.yaml --parts 2) ;;
    reference) words=(reference build --model "$model" --ids 1) ;;
  esac
  tried+="$command "
  run "$pv" "${words[@]}" --out "$work/$command-1"
  exits 0
  "$pv" "${words[@]}" --out "$work/$command-2" >&9 2>.err
  code=$? call="$command to a closed pipe" out='' err=$(cat .err)
  exits 141
  same "$err" '' "$call: standard error"
  "$pv" "${words[@]}" --out "$work/$command-3" >/dev/full 2>.err
  code=$? call="$command to a full disk" err=$(cat .err)
  exits 2
  warns 'cannot write to standard output'
done

prints spirv check "$root/tests/fuzz/corpus/spirv/sound"
prints spirv check "$root/tests/fuzz/corpus/spirv/sound" --json
# Without a loader: what a driver leaves behind is not looked at here.
: >"$work/libvulkan.so.1"
export LD_LIBRARY_PATH=$work
prints vulkan list
prints vulkan prove --json
unset LD_LIBRARY_PATH
# A build without the toolkit has no kernels to list.
run "$pv" ptx list
if [ "$code" -eq 3 ]; then tried+='ptx '; else prints ptx list; fi
for command in $("$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  case $tried in *" $command "*) ok ;; *) bad "pv $command was not tried" ;; esac
done

finish
