#!/usr/bin/env bash
# Any model can be judged: without a contract the one about every model is taken from beside pv, from
# whatever folder it is called; what is not about the model is said.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
verdict() { awk -v id="$1" '$3 == id { print $2 }' <<<"$out"; }
judged() { same "$(verdict "$1")" "$2" "$call: $1"; }
synth() { run "$pv" synth "$@" && exits 0; }
mkdir elsewhere
cd elsewhere || exit 1
small=(--layers 1 --context 24 --vocab 258 --hidden 256 --heads 2 --kv-heads 1)
synth --arch qwen3 "${small[@]}" --ffn 256 --out dense.gguf
synth --arch qwen3moe "${small[@]}" --experts 4 --used 2 --ffn 256 --out routed.gguf
chmod a-w dense.gguf

run "$pv" validate --model dense.gguf --out out
exits 0
for n in 1 2 3 4 5; do judged AC_MODEL_00$n PASS; done
judged AC_MODEL_006 NOT_APPLICABLE
says 'F_MODEL_SETS: the model has no experts (architecture qwen3)'
judged AC_MODEL_008 NOT_RUN
says 'status ACTIVE_ALGORITHM_LEVEL: supported by the evidence'
says 'kind: qwen3, 1 layers of width 256, 258 tokens, no experts'
says 'nobody looked at 2; 1 is not about this model'
warns 'no reference was found beside the model; --reference FILE names one; it is needed by F_MODEL_REFERENCE'
same "$(wc -l <<<"$out" | awk '{ print ($1 <= 36) }')" 1 'one screen'
folder=$(echo out/model-forward-v1/2*)
run "$pv" evidence verify "$folder"
exits 0
if grep -q '"asked": "what any machine can show; no contract was named"' "$folder/evidence.json"; then ok; else bad 'the evidence does not say what was asked'; fi

run "$pv" validate --model routed.gguf --out out --json --only AC_MODEL_006 --backend cpu
exits 3
field '[c["verdict"] for c in d["criteria"] if c["id"] == "AC_MODEL_006"]' "['PASS']"

# What cannot be judged is one error with its cure.
run "$pv" validate
exits 2
warns 'neither a contract nor a model was named'
run "$pv" validate --model dense.gguf --publish
exits 2
warns 'name the contract that the evidence is for'
run "$pv" validate --model nowhere.gguf --out out
exits 2
warns "cannot open the model 'nowhere.gguf'"
sed 's/qwen3/qwen9/g' dense.gguf >other.gguf
run "$pv" validate --model other.gguf --out out
exits 2
warns "'qwen9'"
same "$(grep -c 'error:' <<<"$err")" 1 'one error'
same "$(find out -name '.*' -type d)" '' 'what is left behind'
# Prompts of the call, in the place of a reference's and of the built-in ones.
mkdir scratch
export TMPDIR=$PWD/scratch
given() { run "$pv" validate --model "$1" --backend cpu --out given "${@:2}"; }
given dense.gguf --ids 5,17,200,3
exits 0
says 'prompts: those of the call'
says 'F_MODEL_REFERENCE: the reference has no logits'
given dense.gguf --ids 7
exits 0
judged AC_MODEL_004 PASS
given dense.gguf --prompt '--some text' --json
exits 0
yes 'words and words' | head -20 >words.txt
given dense.gguf --text words.txt
exits 0
warns 'note: the text has'
warns 'the first 24 are taken'
same "$(find given -name evidence.json -exec grep -l '"prompts_from": "the call"' {} + | wc -l)" 4 'runs that say so'
given dense.gguf --text - <words.txt
exits 0
warns 'the first 24 are taken'
head -c 1100000 /dev/zero >large.txt
given dense.gguf --text - <large.txt
exits 2
warns 'standard input has more than 1048576 bytes'
given dense.gguf --text - </dev/null
exits 2
given dense.gguf --ids 5 --prompt a
exits 2
warns 'give one of --prompt, --ids, --text and --reference'
given dense.gguf --ids 258
exits 2
warns '258'
given dense.gguf --text nowhere.txt
exits 2
warns 'nowhere.txt'
run "$pv" validate --prompt a
exits 2
warns 'add --model FILE'
given dense.gguf --ids 5 --publish
exits 2
sed 's/gpt2/gpt9/' dense.gguf >unknown.gguf
given unknown.gguf --prompt a
exits 2
warns '--ids 1,2,3'
given unknown.gguf --only AC_MODEL_002
exits 3
judged AC_MODEL_002 PASS
same "$(ls scratch)" '' 'what is left behind'
# The command that is suggested is over them, too.
sed -e 's/name: model-forward-v1/name: claim/' -e 's/min_cosine: 0.999999,/min_cosine: 1,/' "$here/../../contracts/model-forward-v1.yaml" >claim.yaml
run "$pv" validate claim.yaml --model dense.gguf --ids 5,17,200,3 --only F_MODEL_ARBITER_I16 --out given
exits 1
says 'pv bisect f64 cpu:i16 --model'
says 'dense.gguf --ids=5,17,200,3'

# Of a pv that stands alone nothing near by is taken for its rules.
mkdir -p alone contracts
cp "$pv" "$(dirname "$pv")/pv-probe" alone/
cp "$here/../../contracts/model-forward-v1.yaml" contracts/
chmod 777 .
run alone/pv validate --model dense.gguf --out out
exits 2
warns 'name it: pv validate CONTRACT --model FILE'
finish
