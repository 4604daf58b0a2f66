#!/usr/bin/env bash
# Recorded runs of llama.cpp over small models: sound ones are explained, and each kind of defect that
# is planted in what was recorded is named, with its stage and layer.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
source "$here/fixtures/llama.cpp/models.sh"

planted() { # KIND STAGE WHY: in layer 1 of the recorded run
  run python3 "$here/planted.py" trace "$1" 1 "$model" sound "$layout-$1"
  exits 0
  run "$pv" judge "trace:$layout-$1" --model "$model"
  exits 1
  says 'Not what ggml-cpu explains.'
  says "First outside: $2"
  says "$3"
}

for layout in Q4_K_M Q8_0; do
  model=$layout.gguf
  rm -rf sound
  run recorded_model "$pv" "$layout" "$model"
  exits 0
  mkdir sound
  run tar -xJf "$here/fixtures/llama.cpp/$layout.tar.xz" -C sound
  exits 0
  run "$pv" judge trace:sound --model "$model"
  exits 0
  says 'Every judged stage is what ggml-cpu explains: 118584 elements'
  says 'argmax not judged'
  run "$pv" judge trace:sound --model "$model" --explain
  exits 0
  says 'It computes what ggml-cpu explains.'
  # With the top tokens of its logits; and what the defects are planted with, without a defect.
  run python3 "$here/planted.py" trace top 1 "$model" sound "$layout-top"
  exits 0
  run "$pv" judge "trace:$layout-top" --model "$model"
  exits 0
  says 'Every judged stage is what ggml-cpu explains: 118596 elements'
  silent 'not judged'
  run python3 "$here/planted.py" trace again 1 "$model" sound "$layout-again"
  exits 0
  run "$pv" judge "trace:$layout-again" --model "$model"
  exits 0
  says 'Every judged stage is what ggml-cpu explains'

  planted subscale 'q of layer 1, position 0, element 0' 'outside its limit'
  planted high-bit 'v of layer 1, position 8, element 0' 'outside its limit'
  planted rope-base 'q_rope of layer 1, position 1,' 'outside its limit'
  planted rope-base-1% 'q_rope of layer 1, position 1,' 'outside its limit'
  planted epsilon 'attn_norm of layer 1,' 'outside its limit'
  planted experts 'moe_router of layer 1,' "rows of another width than this model's"
  planted truncation 'attn_proj of layer 1, position 0, element 0' 'outside its limit'
  # The first head takes what it should; so do the weights and the first row of a view that is flat.
  planted grouping 'attn_out of layer 1, position 0, element 32' 'outside its limit'
  planted flat-view 'moe_router_indices of layer 1, position 1,' 'while one with a larger logit is left out'
  planted gate-up 'expert_gate of layer 1, position 0, element 0' 'outside its limit'
  planted order 'moe_router of layer 1, position 0, element 0' \
    'a weight that its own logits do not give for its own experts'
  planted argmax 'argmax, position 1, element 0' 'a token that has not the largest of its own logits'
done
finish
