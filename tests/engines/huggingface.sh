#!/usr/bin/env bash
# Runs of Hugging Face transformers: sound ones are judged sound, and versions are blamed for what they leave out:
# ./dev test --engines. $1 is pv.
#
# $PV_TRANSFORMERS: Python interpreters that have transformers, with colons between them. Without it 5.0.0 and
# 4.57.6 are installed below build-engines/, with torch and what it brings.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
writer=$PWD/engines/huggingface/pv-trace-huggingface
tokens=3,141,59,26,53,58,97,93,238,46,264,33,83,279,50,288
source tests/engines/counts.bash

# install VERSION: its interpreter's path.
install() {
  local at=$built/transformers-$1
  if [ ! -e "$at/done" ]; then
    rm -rf "$at"
    python3 -m venv "$at" && "$at/bin/python" -m pip install -q "transformers==$1" torch accelerate gguf \
      >"$built/transformers-$1.log" 2>&1 && touch "$at/done" || return 1
  fi
  echo "$at/bin/python"
}

# judge MODEL OPTIONS: what pv says of a run of $python, in $out and $code.
judge() {
  out=$("$pv" judge "huggingface:$built/pv-trace-huggingface,$2" --model "$built/$1.gguf" --ids "$tokens" 2>&1)
  code=$?
  call="$version: $1, $2"
}
sound() {
  judge "$@"
  if [ "$code" -eq 0 ]; then ok; else bad "$call: exit $code: $(head -n 3 <<<"$out")"; fi
}
wrong() { # STAGE MODEL OPTIONS [LAYER]
  judge "$2" "$3"
  if [ "$code" -eq 1 ] && grep -q "^First outside: $1 of layer ${4:-0}," <<<"$out"; then ok; else
    bad "$call: exit $code: $(head -n 3 <<<"$out")"
  fi
}
model() { # NAME OPTIONS
  [ -e "$built/$1.gguf" ] || "$pv" synth --layers "$layers" --vocab 512 "${@:2}" --out "$built/$1.gguf" >/dev/null ||
    die "no model $1"
}

mkdir -p "$built"
layers=2
pythons=()
if [ -n "${PV_TRANSFORMERS:-}" ]; then
  IFS=: read -r -a pythons <<<"$PV_TRANSFORMERS"
else
  for version in 5.0.0 4.57.6; do
    pythons+=("$(install "$version")") ||
      die "transformers $version: set PV_TRANSFORMERS, or see $built/transformers-$version.log"
  done
fi
# 768: transformers takes every expert's width for that, and 128 for a head's without experts.
for layout in F32 BF16 Q8_0 Q4_K_M; do model "experts-$layout" --ffn 768 --layout "$layout"; done
model experts-other --ffn 768 --layout F32 --rope-base 50000 --eps 1e-3 --used 3 --heads 6 --kv-heads 2 --tied
for layout in F32 BF16 Q4_K_M; do
  model "dense-$layout" --arch qwen3 --head-dim 128 --ffn 512 --layout "$layout" --rope-base 50000 --eps 1e-3
done
llama=(--arch llama --hidden 256 --heads 4 --kv-heads 2 --head-dim 64 --ffn 256 --layout F32 --rope-base 500000)
model llama "${llama[@]}"
model llama-linear "${llama[@]}" --rope-factor 4
model llama-yarn "${llama[@]}" --rope-factor 4 --yarn
layers=6
gemma=(--arch gemma3 --ffn 256 --layout F32)
model gemma "${gemma[@]}" --head-dim 256
model gemma-linear "${gemma[@]}" --head-dim 256 --rope-factor 8
model gemma-narrow "${gemma[@]}" --head-dim 128
[ -e "$built/llama-freqs.gguf" ] ||
  "${pythons[0]}" tests/engines/rope_freqs.py "$built/llama.gguf" "$built/llama-freqs.gguf" || die 'no model llama-freqs'

# told: the weights of llama-linear.gguf as a checkpoint that says what the file says; 5.24.0 saves no model that it read from a GGUF file.
told() {
  rm -rf "$built/told"
  "$python" - "$built" >/dev/null 2>&1 <<'EOF'
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], gguf_file="llama-linear.gguf")
if hasattr(model.config, "rope_parameters"):
    model.config.rope_parameters.update(rope_type="linear", factor=4.0)
else:
    model.config.rope_scaling = {"rope_type": "linear", "factor": 4.0}
model.save_pretrained(sys.argv[1] + "/told")
EOF
}

# keys: base of RoPE and part of a head of the configurations that files of StarCoder2 and Phi-3 become.
keys() {
  HF_HUB_OFFLINE=1 "$python" - "$built" 2>/dev/null <<'EOF'
import sys

import gguf
import numpy
from transformers import AutoConfig

for arch in ("starcoder2", "phi3"):
    name = f"keys-{arch}.gguf"
    writer = gguf.GGUFWriter(f"{sys.argv[1]}/{name}", arch)
    for key, value in (("block_count", 2), ("context_length", 4096), ("embedding_length", 3072), ("vocab_size", 16),
                       ("feed_forward_length", 64), ("attention.head_count", 24), ("rope.dimension_count", 96)):
        writer.add_uint32(f"{arch}.{key}", value)
    writer.add_float32(f"{arch}.rope.freq_base", 1e6)
    writer.add_tensor("token_embd.weight", numpy.zeros((16, 32), "f4"))
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        write()
    config = AutoConfig.from_pretrained(sys.argv[1], gguf_file=name)
    rope = getattr(config, "rope_parameters", None) or config.to_dict()
    print(arch, rope["rope_theta"], rope.get("partial_rotary_factor", 1.0))
EOF
}

for python in "${pythons[@]}"; do
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$python" "$writer" >"$built/pv-trace-huggingface"
  chmod +x "$built/pv-trace-huggingface"
  version=$("$python" -c 'import transformers; print(transformers.__version__)' 2>/dev/null) ||
    die "$python has no transformers"
  for attention in eager sdpa; do
    for cut in 16 8,5,1,1,1; do
      sound dense-F32 "attention=$attention,batches=$cut"
      sound dense-Q4_K_M "attention=$attention,batches=$cut"
      sound dense-BF16 "attention=$attention,batches=$cut,dtype=bfloat16"
    done
  done
  for name in llama gemma; do sound "$name" batches=8,5,1,1,1; done
  for name in llama-linear llama-yarn llama-freqs; do wrong q_rope "$name" batches=16; done
  wrong q_rope gemma-linear batches=16 5
  wrong attn_out gemma-narrow batches=16
  out=$(keys)
  if [ "$out" = $'starcoder2 10000.0 1.0\nphi3 1000000.0 1.0' ]; then ok; else bad "$version: keys of a file: $out"; fi
  if told; then sound llama-linear "checkpoint=$built/told"; else
    [ "$version" = 5.24.0 ] || bad "$version: it saves nothing"
  fi
  case $version in
    4.*) # does not renormalise the weights of the chosen experts of a GGUF file
      for layout in F32 Q8_0 Q4_K_M; do wrong moe_router "experts-$layout" batches=16; done
      wrong moe_router experts-BF16 dtype=bfloat16
      ;;
    *)
      for attention in eager sdpa; do
        for cut in 16 8,5,1,1,1; do
          for layout in F32 Q8_0 Q4_K_M; do
            sound "experts-$layout" "attention=$attention,batches=$cut"
          done
          sound experts-BF16 "attention=$attention,batches=$cut,dtype=bfloat16"
          sound experts-other "attention=$attention,batches=$cut"
        done
      done
      for experts in eager batched_mm; do sound experts-F32 "experts=$experts"; done
      ;;
  esac
done

counted
