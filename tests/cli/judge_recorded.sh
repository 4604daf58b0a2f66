#!/usr/bin/env bash
# pv judge over traces of real engines, recorded once: what it says of sound ones and of a defective one.
# tests/cli/fixtures/huggingface/record.sh records them again.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
fixtures=$here/fixtures/huggingface
source "$fixtures/models.sh"

# judged NAME OPTIONS OF SYNTH: the trace of that name, beside its model.
judged() {
  local name=$1
  shift
  run "$pv" synth "$@" --out "$name.gguf"
  exits 0
  run "$pv" judge "trace:$fixtures/$name.safetensors" --model "$name.gguf"
}

# transformers 5.0.0, float32, sdpa, three calls that share a cache; the base of RoPE and the epsilon are not
# those that it would take by itself.
judged float32 "${float32_model[@]}"
exits 0
says 'Every judged stage is what float32 explains: 47212 elements'
silent "not judged"

# The same version in bfloat16, every stage as it is stored there.
judged bfloat16 "${bfloat16_model[@]}"
exits 0
says 'Every judged stage is what bfloat16 explains: 47212 elements'
silent "not judged"

# transformers 4.57.6: weights of the chosen experts that do not add up to 1.
judged unnormalised "${unnormalised_model[@]}"
exits 1
says 'First outside: moe_router of layer 0, position 0, element 0: a weight that its own logits do not give'
run "$pv" judge "trace:$fixtures/unnormalised.safetensors" --model unnormalised.gguf --json
exits 1
field "[s['stage'] for s in d['stages'] if s['outside']]" "['moe_router', 'moe_router']"

# A trace beside a model that was made in another way.
run "$pv" judge "trace:$fixtures/float32.safetensors" --model unnormalised.gguf
exits 2
finish
