#!/usr/bin/env bash
# CTranslate2 4.8.5 beside pv's float64: sound models are seen to be sound, and it is blamed for what it leaves out:
# ./dev test --engines. $1 is pv.
#
# $PV_CTRANSLATE2: a Python that has ctranslate2 4.8.5, transformers 5.24.0, torch, safetensors, gguf and numpy. Without it they
# are installed below build-engines/. It tells no stage but logits.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
short=3,141,59,26,53,58,97,93 long=$(seq -s , 7 11 440)
source tests/engines/counts.bash
mkdir -p "$built"
python=${PV_CTRANSLATE2:-$built/ctranslate2/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$built/ctranslate2" && "$python" -m pip install -q ctranslate2==4.8.5 transformers==5.24.0 torch safetensors \
    gguf==0.19.0 numpy >"$built/ctranslate2.log" 2>&1 || die "CTranslate2: set PV_CTRANSLATE2, or see $built/ctranslate2.log"
fi

model() { # NAME OPTIONS
  [ -e "$built/c2-$1.gguf" ] || "$pv" synth --hidden 256 --heads 8 --kv-heads 2 --ffn 256 --vocab 512 --layout F32 "${@:2}" \
    --out "$built/c2-$1.gguf" >/dev/null || die "no model $1"
}
# probe MODEL IDS OPTIONS: what is said in $out, the exit code in $code.
probe() {
  out=$("$python" tests/engines/ctranslate2_logits.py "$pv" "$built/c2-$1.gguf" "${@:2}" 2>"$built/ctranslate2-said")
  code=$?
}
sound() {
  probe "$@"
  if [ "$code" -eq 0 ] && grep -q ' rows: ' <<<"$out"; then ok; else bad "$*: $out $(tail -n 2 "$built/ctranslate2-said")"; fi
}
wrong() { # PATTERN MODEL IDS OPTIONS
  probe "${@:2}"
  if [ "$code" -eq 1 ] && grep -qE "$1" <<<"$out"; then ok; else bad "${*:2}: $out $(tail -n 2 "$built/ctranslate2-said")"; fi
}

model llama --arch llama --layers 2 --head-dim 32 --context 16384 --rope-base 500000
model linear --arch llama --layers 2 --head-dim 32 --rope-factor 4
model heads --arch llama --layers 2 --head-dim 64
model qwen3 --arch qwen3 --layers 2 --head-dim 64
model gemma3 --arch gemma3 --layers 6 --head-dim 64 --window 64
model scaled --arch gemma3 --layers 6 --head-dim 64 --window 64 --rope-factor 8
model base --arch gemma3 --layers 6 --head-dim 64 --window 64 --rope-base 500000
model narrow --arch gemma3 --layers 6 --head-dim 64 --window 8
for name in llama linear qwen3 gemma3; do
  sound "$name" "$long"
  sound "$name" "$long" --generate 8
done
# the scaling of Llama 3.1 to 3.3 does nothing
[ -e "$built/c2-freqs.gguf" ] || "$python" tests/engines/rope_freqs.py "$built/c2-llama.gguf" "$built/c2-freqs.gguf" || die 'no model freqs'
said='{"rope_parameters": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
  "original_max_position_embeddings": 8192, "rope_theta": 500000.0}}'
wrong ': 0\.0' llama "$long" --config "$said" --of "$built/c2-freqs.gguf"
sound llama "$long" --config "$said" # against the model without it
# that of Gemma 3 is not read, nor is the base of its full layers
wrong ': 0\.[1-9]' scaled "$long"
sound scaled "$long" --of "$built/c2-gemma3.gguf"
wrong ': 0\.0' base "$long"
sound base "$long" --of "$built/c2-gemma3.gguf"
# prompts that are longer than the window
sound narrow "$short" --generate 12
wrong ': [1-9]' narrow "$long" --generate 8
wrong 'ERROR buffer to copy' narrow "$long"
# heads that are not as wide as the model divided by their number
wrong 'ERROR axis 2 has dimension' heads "$short"

counted
