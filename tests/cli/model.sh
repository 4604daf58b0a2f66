#!/usr/bin/env bash
# A contract that names its model by digest: nothing else is judged in its place, and where the model
# is absent receipts hold all the same.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rung=ACTIVE_RUNTIME
default=models/tiny-coder-moe-Q4_K_M.gguf
digest() { sha256sum "$1" | cut -c1-64; }

# name MODEL-DIGEST REFERENCE-DIGEST: the contract, about that model.
name() {
  contract big DRAFT "F_PASS names.resolve ACTIVE_ALGORITHM_LEVEL" "F_GPU forward.finite $rung"
  cat >>contracts/big.yaml <<YAML

model:
  sha256: "$1"
  reference_sha256: "$2"
  made_by: pv synth --layers 48 --out
YAML
}

mkdir big
printf 'a big model' >big/big.gguf
printf 'its reference' >big/big.reference
model=$(digest big/big.gguf)
reference=$(digest big/big.reference)
name "$model" "$reference"

# The default model is another one: it is not looked at, whatever the probe would say of it, and
# nothing is published.
validate contracts/big.yaml --json
exits 0
field "[f['verdict'] for f in d['falsifiers']]" "['NOT_RUN', 'NOT_RUN']"
field "'pv synth --layers 48 --out FILE' in d['falsifiers'][1]['reason']" True
validate contracts/big.yaml --publish
exits 2
warns 'it lacks the model'
# Another one that was asked for is an error, and so is another reference.
validate contracts/big.yaml --model "$default"
exits 2
warns "the model '$work/$default' is not the one that big names: its SHA-256 is $(digest "$default")"
warns 'pv synth --layers 48 --out FILE'
validate contracts/big.yaml --model big/big.gguf --reference models/tiny-coder-moe.reference
exits 2
warns 'the reference '

# The model itself is judged and published.
PV_FAKE_DEVICE='NVIDIA H100' validate contracts/big.yaml --model big/big.gguf --publish
exits 0
says "the contract now says $rung"
receipt=$(echo reports/published/big/*)
same "$(python3 -c "import json; print(json.load(open('$receipt/evidence.json'))['model']['made_by'])")" \
  'pv synth --layers 48 --out' 'the command in the evidence'

# Without the model the receipt holds, with its device; after a change to a kernel it is stale.
mv big elsewhere
validate contracts/big.yaml --json
exits 0
field "[(c['verdict'], c['source']) for c in d['criteria']]" "[('PASS', 'receipt'), ('PASS', 'receipt')]"
validate contracts/big.yaml
exits 0
says 'NVIDIA H100'
run "$pv" status --probe "$fake" contracts/big.yaml
exits 0
says 'supported by receipts'
run "$pv" evidence verify --probe "$fake" "$receipt"
exits 0
PV_FAKE_KERNELS=$(printf 'b%.0s' {1..64}) validate contracts/big.yaml
exits 3
says 'STALE'
says 'the kernels'

# A contract that is about another model now rests on nothing, and pv diff says so.
cp contracts/big.yaml published.yaml
sed -i "s/$model/$(digest "$default")/" contracts/big.yaml
run "$pv" diff published.yaml contracts/big.yaml
exits 1
says 'the contract is about another model'
validate contracts/big.yaml --only F_GPU
exits 3
says 'no receipt is about this model'
run "$pv" evidence verify --probe "$fake" "$receipt"
exits 3
says 'claims something else now'

# What is no digest, and what is missing.
name "${model^^}" "$reference"
run "$pv" lint contracts/big.yaml
exits 2
says 'PV037'
name "$model" "$reference"
sed -i '/reference_sha256/d; s/forward.finite/forward.reference/' contracts/big.yaml
run "$pv" lint contracts/big.yaml
exits 2
says "a check needs a reference, and the model's is not named"
sed -i 's/check: forward.reference/check: forward.finite\n    with: {prompts: [p0]}/' contracts/big.yaml
run "$pv" lint contracts/big.yaml
exits 2
says "a check needs a reference, and the model's is not named"
sed -i 's/p0/builtin-3/' contracts/big.yaml
run "$pv" lint contracts/big.yaml
exits 0
name "$model" "$reference"
sed -i '/made_by/d' contracts/big.yaml
run "$pv" lint contracts/big.yaml
exits 2
says "model has no 'made_by'"

# A model and its prompts as `pv synth` makes them, with the real probe.
make=(synth --layers 2 --seed 3 --near-tie 1e-6 --outlier 1000 --prompts 3,17 --out)
run "$pv" "${make[@]}" s.gguf
exits 0
run "$pv" "${make[@]}" other.gguf
exits 0
same "$(cmp s.gguf other.gguf; cmp s.reference other.reference)" '' 'the same options, the same bytes'
run "$pv" "${make[@]}" other.gguf
exits 2
rm other.gguf
run "$pv" "${make[@]}" other.gguf # the reference is still there, and is not overwritten
exits 2
warns "'other.reference' exists already"
same "$(ls other.gguf 2>/dev/null)" '' 'a model without its reference'
run "$pv" synth --prompts 3,5000 --out t.gguf
exits 2
warns 'a length of 5000 is outside 1..4096'
same "$(ls t.gguf 2>/dev/null)" '' 'a model although its prompts were refused'
rm -r reports
name "$(digest s.gguf)" "$(digest s.reference)"
run "$pv" validate contracts/big.yaml --model s.gguf --json
exits 0
field "[f['verdict'] for f in d['falsifiers']], d['falsifiers'][1]['compared'] > 0" "['PASS', 'PASS'] True"
field "d['model']['made_by']" 'pv synth --layers 48 --out'

# Where the contract names no reference the prompts are the built-in ones, whatever lies beside.
sed -i '/reference_sha256/d' contracts/big.yaml
run "$pv" validate contracts/big.yaml --model s.gguf --json
exits 0
field "d['model']['prompts'], 'reference_sha256' in d['model']" 'builtin-1, builtin-3, builtin-16, builtin-17, builtin-64 False'
finish
