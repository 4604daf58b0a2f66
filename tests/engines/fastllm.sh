#!/usr/bin/env bash
# fastllm 1.9.0 (the package ftllm) with GGUF files beside pv's float64, on a CPU: sound runs are seen to be sound, and it is blamed for
# what it does wrong: ./dev test --engines. $1 is pv.
#
# $PV_FASTLLM: a Python that has ftllm 1.9.0, pillow, transformers and numpy. Without it they are installed below build-engines/.
# It tells no stage but the logits of the next token.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
short=3,141,59,26,53 long=$(seq -s , 7 11 440)
source tests/engines/counts.bash
mkdir -p "$built"
python=${PV_FASTLLM:-$built/fastllm/bin/python}
if [ ! -x "$python" ]; then
  { python3 -m venv "$built/fastllm" && "$python" -m pip install -q --no-deps ftllm==1.9.0 &&
    "$python" -m pip install -q pillow transformers numpy gguf; } >"$built/fastllm.log" 2>&1 ||
    die "fastllm: set PV_FASTLLM, or see $built/fastllm.log"
fi

model() { # NAME OPTIONS
  [ -e "$built/fl-$1.gguf" ] || "$pv" synth --hidden 256 --heads 8 --kv-heads 2 --ffn 256 --vocab 512 --layers 2 "${@:2}" \
    --out "$built/fl-$1.gguf" >/dev/null || die "no model $1"
}
# probe MODEL IDS OPTIONS: what is said in $out, the exit code in $code.
probe() {
  out=$(timeout 120 "$python" tests/engines/fastllm_logits.py "$pv" "$built/fl-$1.gguf" "${@:2}" 2>"$built/fastllm-said")
  code=$?
}
sound() {
  probe "$@"
  if [ "$code" -eq 0 ] && grep -q ' rows: ' <<<"$out"; then ok; else bad "$*: $out $(tail -n 2 "$built/fastllm-said")"; fi
}
wrong() { # PATTERN MODEL IDS OPTIONS
  probe "${@:2}"
  if [ "$code" -ne 0 ] && grep -qE "$1" <<<"$out$(cat "$built/fastllm-said")"; then ok; else bad "${*:2}: $out $(tail -n 2 "$built/fastllm-said")"; fi
}

model qwen3 --arch qwen3 --head-dim 64 --layout F32
model qwen3moe --head-dim 64 --layout F32
model linear --arch qwen3 --head-dim 64 --rope-factor 4 --layout F32
model yarn --arch qwen3 --head-dim 64 --rope-factor 4 --yarn --layout F32
model tied --arch qwen3 --head-dim 64 --tied --layout F32
model half --arch qwen3 --head-dim 64 --layout F16
model bfloat --arch qwen3 --head-dim 64 --layout BF16
model llama --arch llama --head-dim 32 --layout F32
for name in qwen3 qwen3moe half; do
  sound "$name" "$short" --generate 8
  sound "$name" "$long" --generate 8
done
# llama: halves of a head are turned where the file means neighbours
sound llama 5
wrong ': 0\.[1-9]' llama "$long"
sound llama "$long" --side cpu:f32-f64acc@rope_pairs --within 1e-5
# no scaling of RoPE is read
[ -e "$built/fl-freqs.gguf" ] || "$python" tests/engines/rope_freqs.py "$built/fl-llama.gguf" "$built/fl-freqs.gguf" || die 'no model freqs'
for name in linear yarn; do
  wrong ': 0\.' "$name" "$long"
  sound "$name" "$long" --of "$built/fl-qwen3.gguf"
done
sound freqs "$long" --of "$built/fl-llama.gguf" --side cpu:f32-f64acc@rope_pairs --within 1e-5
# a file without an output matrix of its own
wrong "Linear's weight's shape's size should be 2" tied "$short"
if grep -q avx512_bf16 /proc/cpuinfo; then wrong 'all are 0' bfloat "$short"; fi

counted
