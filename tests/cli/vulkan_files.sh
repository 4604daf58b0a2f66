#!/usr/bin/env bash
# The side vulkan on any device, Mesa's software one where there is no GPU: every bit of every stage of files of each
# layout and of each architecture, as a prompt in parts, and decoded one by one beyond a chunk of attention. Q4_K_M,
# Q6_K and Q8_0 are vulkan_side.sh's.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"

# alike FILE OPTION...: the bits of the CPU, in $identity.
identity=i16
alike() {
  run "$pv" compare cpu:$identity vulkan:$identity --model "$1" --different "${@:2}"
  exits 0
  says ' elements compared, 0 differ'
}
for layout in Q4_K_M-kv8 BF16 F16 F32; do
  "$pv" synth --layout "$layout" --seed 2 --near-tie 1e-6 --outlier 1000 --no-sync --out "$layout.gguf" >/dev/null
  case $layout in *16 | F32) tokens=5 ;; *) tokens=21 ;; esac # plain weights are the slow ones
  alike "$layout.gguf" --random "$tokens" --batch 9
  alike "$layout.gguf" --random 6 --batch 1
done
alike Q4_K_M-kv8.gguf --random 70 --batch 1
for arch in qwen3 qwen2moe llama mixtral olmoe gemma3 gpt-oss; do
  "$pv" synth --arch "$arch" --seed 3 --no-sync --out "$arch.gguf" >/dev/null
  alike "$arch.gguf" --random 12 --batch 9
  alike "$arch.gguf" --random 3 --batch 1
done
# Weights of 16 bits; biases, sinks and MXFP4; a gate and its expert; GeGLU and windows.
identity=f32-f64acc
for file in BF16 gpt-oss qwen2moe gemma3; do alike "$file.gguf" --random 3 --batch 2; done
finish
