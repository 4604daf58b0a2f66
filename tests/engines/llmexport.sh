#!/usr/bin/env bash
# What llmexport 0.0.5 exports for MNN beside pv's float64: sound models are seen to be sound, and it is blamed for what it leaves
# out: ./dev test --engines. $1 is pv.
#
# $PV_LLMEXPORT: a Python that has llmexport 0.0.5, transformers 5.24.0, torch, what both import, safetensors and gguf. Without it they
# are installed below build-engines/.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
long=$(seq -s , 7 11 440)
source tests/engines/counts.bash
mkdir -p "$built"
python=${PV_LLMEXPORT:-$built/llmexport/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$built/llmexport" && "$python" -m pip install -q llmexport==0.0.5 MNN==3.6.1 transformers==5.24.0 torch accelerate \
    safetensors gguf==0.19.0 >"$built/llmexport.log" 2>&1 || die "llmexport: set PV_LLMEXPORT, or see $built/llmexport.log"
fi

model() { # NAME OPTIONS
  [ -e "$built/le-$1.gguf" ] || "$pv" synth --hidden 256 --heads 8 --kv-heads 2 --ffn 256 --vocab 512 --layout F32 "${@:2}" \
    --out "$built/le-$1.gguf" >/dev/null || die "no model $1"
}
# probe MODEL OPTIONS: what is said, in $out.
probe() {
  out=$("$python" tests/engines/llmexport_logits.py "$pv" "$built/le-$1.gguf" "$long" "${@:2}" 2>"$built/llmexport-said" | tail -n 1)
}
sound() {
  probe "$@"
  if grep -qE ' rows: [0-9.]+e-0[5-9]$' <<<"$out"; then ok; else bad "$*: $out $(tail -n 2 "$built/llmexport-said")"; fi
}
wrong() { # PATTERN MODEL OPTIONS
  probe "${@:2}"
  if grep -qE " rows$1" <<<"$out"; then ok; else bad "${*:2}: $out $(tail -n 2 "$built/llmexport-said")"; fi
}

model llama --arch llama --layers 2 --head-dim 32 --context 16384 --rope-base 500000
model plain --arch llama --layers 2 --head-dim 32
model linear --arch llama --layers 2 --head-dim 32 --rope-factor 4
model heads --arch llama --layers 2 --head-dim 64
model qwen3 --arch qwen3 --layers 2 --head-dim 64
model yarn --arch qwen3 --layers 2 --head-dim 64 --rope-factor 4 --yarn
model qwen3moe --layers 2 --head-dim 64
model mixtral --arch mixtral --layers 2 --head-dim 32
model gemma3 --arch gemma3 --layers 6 --head-dim 64 --window 8
model one-base --arch gemma3 --layers 6 --head-dim 64 --window 8 --rope-base 10000
model scaled --arch gemma3 --layers 6 --head-dim 64 --window 8 --rope-factor 8
for name in llama heads qwen3 yarn qwen3moe mixtral one-base; do sound "$name"; done
# scaling of RoPE but YaRN's: that of Llama 3.1 to 3.3, and linear
[ -e "$built/le-freqs.gguf" ] || "$python" tests/engines/rope_freqs.py "$built/le-llama.gguf" "$built/le-freqs.gguf" || die 'no model freqs'
said='{"rope_parameters": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
  "original_max_position_embeddings": 8192, "rope_theta": 500000.0}}'
wrong ': 0\.0' llama --config "$said" --of "$built/le-freqs.gguf"
sound llama --config "$said" # against the model without it
wrong ': 0\.[1-9]' linear
sound linear --of "$built/le-plain.gguf"
# Gemma 3 has two bases, and scaling in full layers
wrong ': 0\.[1-9]' gemma3
sound gemma3 --of "$built/le-one-base.gguf"
wrong ': 0\.[1-9]' scaled
sound scaled --of "$built/le-one-base.gguf"

counted
