#!/usr/bin/env bash
# mistral.rs 0.9.5 beside pv's float64: sound runs are seen to be sound, and it is blamed for what it does wrong:
# ./dev test --engines. $1 is pv.
#
# $PV_MISTRALRS: a Python that has mistralrs 0.9.5, gguf and numpy. Without it they are installed below build-engines/.
# It tells no stage but the probabilities of the next token: tests/engines/mistralrs_next.py compares those.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
built=$PWD/build-engines
short='hello, world' middle='the quick brown fox jumps over the lazy dog'
source tests/engines/counts.bash
mkdir -p "$built"
python=${PV_MISTRALRS:-$built/mistralrs/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$built/mistralrs" && "$python" -m pip install -q mistralrs==0.9.5 gguf==0.19.0 numpy >"$built/mistralrs.log" 2>&1 ||
    die "mistral.rs: set PV_MISTRALRS, or see $built/mistralrs.log"
fi
probe() { "$python" tests/engines/mistralrs_next.py "$@" 2>"$built/mistralrs-said"; }

model() { # NAME OPTIONS
  [ -e "$built/mr-$1.gguf" ] || "$pv" synth --hidden 256 --heads 8 --kv-heads 2 --ffn 256 --vocab 512 --layout F32 "${@:2}" \
    --out "$built/mr-$1.gguf" >/dev/null || die "no model $1"
}
made() { # NAME SOURCE WHAT [RULE]: of another model
  [ -e "$built/mr-$1.gguf" ] || probe "$3" "$built/mr-$2.gguf" "$built/mr-$1.gguf" "${@:4}" || die "no model $1"
}
sound() { # MODEL ARGUMENTS
  local out
  out=$(probe next "$pv" "$built/mr-$1.gguf" "${@:2}")
  if [ $? -eq 0 ] && [ -n "$out" ]; then ok; else bad "$1 ${*:2}: $out $(tail -n 2 "$built/mistralrs-said")"; fi
}
wrong() { # MODEL PATTERN ARGUMENTS: of the last prompt, PATTERN is said
  local out
  out=$(probe next "$pv" "$built/mr-$1.gguf" "${@:3}")
  if [ $? -eq 1 ] && tail -n 1 <<<"$out" | grep -qE "$2"; then ok; else bad "$1 ${*:3}: $out $(tail -n 2 "$built/mistralrs-said")"; fi
}

model llama --arch llama --layers 2 --head-dim 32
model base --arch llama --layers 2 --head-dim 32 --rope-base 500000
model heads --arch llama --layers 2 --head-dim 64
model qwen3 --arch qwen3 --layers 2 --head-dim 64
model qwen3moe --layers 2 --head-dim 64
model mixtral --arch mixtral --layers 2 --head-dim 32
model gemma3 --arch gemma3 --layers 6 --head-dim 64 --window 8
model wide --arch gemma3 --layers 6 --head-dim 64 --window 200
model gpt-oss --arch gpt-oss --layers 1 --head-dim 64 --window 8
for name in llama qwen3 qwen3moe mixtral gemma3; do sound "$name" --cache 0 --steps 8 "$short" "$middle"; done
wrong llama ': 0\.0[0-9]' --of "$built/mr-base.gguf" "$middle" # another base is seen
# of experts in MXFP4 each token takes one, that of another token
made gpt-oss-mxfp4 gpt-oss mxfp4
made gpt-oss-one gpt-oss-mxfp4 one
sound gpt-oss --within 0.01 "$short" "$middle"
sound gpt-oss-one --within 0.01 "$short" "$middle"
wrong gpt-oss-mxfp4 ': (0\.[1-9]|[1-9])' --within 0.01 "$middle"
for prompt in hello "$middle"; do
  out=$(probe places "$pv" "$built/mr-gpt-oss-mxfp4.gguf" "$prompt")
  if grep -qE 'its own experts (0\.[1-9]|[1-9]).*of the list 0\.00' <<<"$out"; then ok; else bad "places: $out"; fi
done
# what is rounded to MXFP4 as it loads has exponents that are too small
made rounded qwen3 rounded theirs
made rounded-ocp qwen3 rounded ocp
sound qwen3 --isq mxfp4 --of "$built/mr-rounded.gguf" "$short" "$middle"
wrong qwen3 ': (0\.[1-9]|[1-9])' --isq mxfp4 --of "$built/mr-rounded-ocp.gguf" "$middle"
# a prompt that goes on where one longer than the window ended
sound gemma3 --cache 0 "$middle" "$middle; pack my box"
sound wide "$middle" "$middle; pack my box"
wrong gemma3 'ERROR argmax received invalid logits|: (0\.[1-9]|[1-9])' "$middle" "$middle; pack my box"
wrong gpt-oss 'ERROR shape mismatch' "$middle" "$middle; pack my box"
# heads that are not as wide as the model divided by their number
wrong heads 'ERROR Shape mismatch' "$short"

counted
