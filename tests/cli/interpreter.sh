#!/usr/bin/env bash
# The backend ptx over the real probe and model: the kernels' PTX, interpreted with every access to
# memory checked, gives the bits of the CPU; and nothing that it shows passes for a device's.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf

# Every kind of launch: matrix products for many rows (9) and for few (1, 2), decode by a recorded
# sequence behind one chunk of attention and behind two.
run "$pv" compare cpu:i16 ptx:i16 --model "$model" --random 2,9 --different
exits 0
says '160 tensors, 384043 elements compared, 0 differ'
run "$pv" compare cpu:i16 ptx:i16 --model "$model" --random 66 --batch 65 --stage attn_out,logits
exits 0
says ' 0 differ'
run "$pv" compare cpu:f32-f64acc ptx:f32-f64acc --model "$model" --ids 5 --different
exits 0
says ' 0 differ'
run "$pv" run --model "$model" --side cpu --prompt 'class Stack:' --tokens 5
exits 0
one=$out
run "$pv" run --model "$model" --side ptx --prompt 'class Stack:' --tokens 5
exits 0
same "$out" "$one" 'text of cpu and ptx'

# Eight query heads on one copy of keys and values, behind one chunk and behind two; experts that tie.
run "$pv" synth --layers 1 --hidden 32 --heads 8 --kv-heads 1 --head-dim 32 --experts 4 --used 2 --ffn 32 \
  --near-tie 0 --vocab 300 --layout Q8_0 --out eight.gguf
exits 0
run "$pv" compare cpu:i16 ptx:i16 --model eight.gguf --random 70 --batch 1 --stage attn_out,moe_router_indices,logits
exits 0
says '70 tokens: 0 differ'

# A row whose last segment is a part, behind an even number of whole ones.
run "$pv" synth --layers 2 --hidden 72 --heads 4 --kv-heads 1 --head-dim 24 --experts 6 --used 2 --ffn 64 \
  --vocab 300 --layout F16 --out part.gguf
exits 0
run "$pv" compare cpu:i16 ptx:i16 --model part.gguf --ids 1,2,3
says '3 tokens: 0 differ'

# Tensors and numbers that are in no file, but planted in the side that is interpreted.
run "$pv" bisect cpu:i16 ptx:i16@q6k_read_as_q4k:layer=2 --model "$model" --random 2
exits 1
says 'the right side is wrong: expert_down of layer 2'
run "$pv" bisect cpu:i16 ptx:i16@wrong_rope_base --model "$model" --random 2
exits 1
says 'the right side is wrong: q_rope of layer 0'

# What holds there discharges nothing, and does not falsify either. With sanitizers, beside other work, a
# minute is not enough for what a device does in less than a second.
mkdir patient && cp -r "$here/../../contracts" patient/ && ln -s "$(realpath "$here/../../reports")" patient/reports
sed -i 's/timeout_s: [0-9]*/timeout_s: 600/' patient/contracts/qwen3-moe-forward-gpu-v1.yaml
run "$pv" validate patient/contracts/qwen3-moe-forward-gpu-v1.yaml --backend ptx --json \
  --model "$model" --only F_GPU_INDEX_SETS,F_GPU_ROUTER_SUM,F_GPU_THROUGHPUT --out report
exits 3
field "d['summary']['falsified']" 0
field "[f['verdict'] == 'NOT_RUN' and f['reason'].startswith('interpreted, not a device: it held there over') for f in d['falsifiers'] if f['id'] in ('F_GPU_INDEX_SETS', 'F_GPU_ROUTER_SUM')]" '[True, True]'
# Speed is never asked of the interpreter.
field "['interpreted' in f['reason'] for f in d['falsifiers'] if f['id'] == 'F_GPU_THROUGHPUT']" '[False]'
run "$pv" validate "$here/../../contracts/qwen3-moe-forward-gpu-v1.yaml" --backend ptx --publish
exits 2

finish
