#!/usr/bin/env bash
# Models of each architecture, made here: the interpreted kernels make the bits of the CPU in every
# stage, whatever the plan puts side by side; in batches, in ragged ones, decoded.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"

equal() { # MODEL IDENTITY ARGS...
  run "$pv" compare "cpu:$2" "ptx:$2" --model "$1.gguf" --different "${@:3}"
  exits 0
  says ' 0 differ'
}

made() { # ARCHITECTURE ARGS...
  run "$pv" synth --arch "$1" --vocab 300 --layers 2 --context 256 "${@:2}" --out "$1.gguf"
  exits 0
  for identity in i16 i8 f32-f64acc; do
    equal "$1" "$identity" --random 90 --batch 40
    equal "$1" "$identity" --random 9 --batch 4
    equal "$1" "$identity" --random 5 --batch 1
  done
  equal "$1" i16 --random 70 --batch 1 --stage logits,argmax
}

dense=(--hidden 64 --heads 4 --kv-heads 2 --head-dim 32 --ffn 96 --layout Q8_0)
experts=("${dense[@]}" --experts 6 --used 3)
made mixtral "${experts[@]}"
made olmoe "${experts[@]}"
made llama "${dense[@]}"
# Windows of one position, and of more than a chunk of attention.
made qwen2moe "${experts[@]}" --shared 32
made gpt-oss "${experts[@]}" --window 1
made gemma3 "${dense[@]}" --window 67
finish
