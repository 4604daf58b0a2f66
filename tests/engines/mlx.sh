#!/usr/bin/env bash
# Runs of mlx-lm: sound ones are judged sound, and 0.32.2, with mlx 0.32.4, is blamed for what it does not read:
# ./dev test --engines. $1 is pv.
#
# $PV_MLX: a Python that has mlx 0.32.4 for the CPU, mlx-lm 0.32.2 and gguf. Without it they are installed below
# build-engines/.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
tokens=3,141,59,26,53
source tests/engines/counts.bash
mkdir -p "$built"
layers=2
python=${PV_MLX:-$built/mlx/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$built/mlx" && "$python" -m pip install -q 'mlx[cpu]==0.32.4' mlx-lm==0.32.2 gguf==0.19.0 >"$built/mlx.log" 2>&1 ||
    die "mlx: set PV_MLX, or see $built/mlx.log"
fi
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$python" "$PWD/engines/mlx/pv-trace-mlx" >"$built/pv-trace-mlx"
chmod +x "$built/pv-trace-mlx"

model() { # NAME OPTIONS
  [ -e "$built/mlx-$1.gguf" ] || "$pv" synth --layers "$layers" --vocab 512 --ffn 256 "${@:2}" --out "$built/mlx-$1.gguf" >/dev/null ||
    die "no model $1"
}
# judge MODEL OPTIONS: what pv says of a run, in $out and $code.
judge() {
  out=$("$pv" judge "engine:$built/pv-trace-mlx$2" --model "$built/mlx-$1.gguf" --ids "$tokens" 2>&1)
  code=$?
}
sound() {
  judge "$1" "${2:-}"
  if [ "$code" -eq 0 ] && grep -q '^Every judged stage is what float32 explains' <<<"$out"; then ok; else
    bad "$1 ${2:-}: exit $code: $(head -n 3 <<<"$out")"
  fi
}
wrong() { # STAGE MODEL OPTIONS
  judge "$2" "${3:-}"
  if [ "$code" -eq 1 ] && grep -q "^First outside: $1," <<<"$out"; then ok; else
    bad "$2 ${3:-}: exit $code: $(head -n 3 <<<"$out")"
  fi
}

scaled=(--layout F32 --rope-factor 4)
heads=(--hidden 256 --heads 4 --kv-heads 2 --head-dim 64)
model qwen3moe --layout F32
model qwen3moe-yarn "${scaled[@]}" --yarn
model qwen3-yarn --arch qwen3 "${scaled[@]}" --yarn
model q8_0 --arch qwen3 --layout Q8_0
model q4_k --arch qwen3 --layout Q4_K_M
model llama --arch llama --layout F32 --rope-base 500000
model llama-linear --arch llama "${scaled[@]}"
model mixtral --arch mixtral --layout F32 "${heads[@]}"
model mixtral-linear --arch mixtral "${scaled[@]}" "${heads[@]}"
model qwen2moe --arch qwen2moe --layout F32 "${heads[@]}"
model qwen2moe-linear --arch qwen2moe "${scaled[@]}" "${heads[@]}"
model olmoe --arch olmoe --layout F32 --heads 4 --kv-heads 4
model oss --arch gpt-oss --layout F32
model oss-yarn --arch gpt-oss --layout F32 --rope-factor 32 --yarn
layers=6
model gemma --arch gemma3 --layout F32 --rope-factor 8
for name in qwen3moe qwen3-yarn llama llama-linear mixtral qwen2moe olmoe oss gemma; do sound "$name"; done
sound gemma ,batches=3,1,1
sound q4_k
sound q8_0 ,load=mlx
sound qwen3-yarn ,config=5
wrong embedding q4_k ,load=mlx
for name in qwen3moe-yarn mixtral-linear qwen2moe-linear oss-yarn; do wrong 'q_rope of layer 0' "$name"; done
wrong 'q_rope of layer 0' llama ,config=5
wrong 'q_rope of layer 5' gemma ,config=5
# What is exported of a Llama 3.2, beside a file that has its frequencies.
layers=2
model square --arch llama --layout F32 --rope-base 500000 "${heads[@]}"
rm -rf "$built/mlx-told" "$built"/mlx-{freqs,export}.gguf
"$python" tests/engines/rope_freqs.py "$built/mlx-square.gguf" "$built/mlx-freqs.gguf" || die 'no model freqs'
"$python" tests/engines/mlx_export.py "$built/mlx-square.gguf" "$built/mlx-told" >"$built/mlx-export.log" 2>&1 ||
  die "nothing is exported: see $built/mlx-export.log"
ln -s mlx-told/export.gguf "$built/mlx-export.gguf"
sound freqs ",checkpoint=$built/mlx-told"
wrong 'q_rope of layer 0' export ",checkpoint=$built/mlx-told"
# What it is told is one sentence.
out=$("$built/pv-trace-mlx" --model "$built/mlx-llama.gguf" --ids 9999 --out "$built/mlx-none" 2>&1)
if [ $? -eq 1 ] && [ "$out" = 'pv-trace-mlx: token 9999 is none of 512' ]; then ok; else bad "a token that is none: $out"; fi
echo none >"$built/mlx-no.gguf"
out=$("$built/pv-trace-mlx" --model "$built/mlx-no.gguf" --ids 1,2 --out "$built/mlx-none" 2>&1)
if [ $? -eq 1 ] && grep -qx 'pv-trace-mlx: .*/mlx-no.gguf is no GGUF file that is read: .*' <<<"$out"; then ok; else
  bad "a file that is none: $out"
fi
out=$("$built/pv-trace-mlx" --model "$built/mlx-llama.gguf" --ids 1,2 --batches 1 --out "$built/mlx-none" 2>&1)
if [ $? -eq 1 ] && [ "$out" = 'pv-trace-mlx: batches have 1 tokens together, ids 2' ]; then ok; else bad "batches: $out"; fi
if [ ! -e "$built/mlx-none" ]; then ok; else bad "a folder of a run that was refused"; fi

counted
