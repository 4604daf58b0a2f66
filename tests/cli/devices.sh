#!/usr/bin/env bash
# Layers over several devices, of which this machine needs none: they are interpreted. The same bits as
# one, each with its share of the bytes; and what is said of devices that are named wrongly.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf
contract=$here/../../contracts/qwen3-moe-forward-v1.yaml

run "$pv" compare ptx:i16 ptx0+1:i16 --model "$model" --random 3 --batch 2 --different
exits 0
says '3 tokens: 0 differ'

# Decoded, from sequences of launches that each device recorded.
for side in cpu ptx1+0; do
  run "$pv" run "$model" --ids 861,1644 --tokens 2 --side $side --print-ids
  exits 0
  made+=("$out")
done
same "${made[1]}" "${made[0]}" 'tokens made on two devices'

run "$pv" bench "$model" --side ptx0+1 --tokens 1 --repeats 1 --prefill 1
exits 0
says '2 x PTX interpreter'
says 'device 0: layers 0 to 1, 0.00 GB held'
says 'device 1: layers 2 to 3, 0.01 GB held'
says 'ptx0+1 i16'

# The experts of each layer over devices: 16 over 3, all else on the first.
run "$pv" compare cpu:i16 ptx0+1+2/experts:i16 --model "$model" --random 3 --batch 2 --different
exits 0
says '3 tokens: 0 differ'
run "$pv" bench "$model" --side ptx0+1+2/experts --tokens 1 --repeats 1 --prefill 1
exits 0
says 'device 0: all but experts, and experts 0 to 4, '
says 'device 1: experts 5 to 9, '
says 'device 2: experts 10 to 15, '
says 'ptx0+1+2/experts i16'

# In a contract, as a whole side, and in the place of its backend: interpreted it is no evidence.
cp "$here"/../../contracts/*.yaml contracts
sed -i 's/check: forward.finite/&\n    with: {backend: "cuda0+1:i16"}/' contracts/qwen3-moe-forward-v1.yaml
run "$pv" lint contracts/qwen3-moe-forward-v1.yaml
silent 'parameter backend is'
sed -i 's/cuda0+1:i16/cuda1+0\/experts:i16/' contracts/qwen3-moe-forward-v1.yaml
run "$pv" lint contracts/qwen3-moe-forward-v1.yaml
silent 'parameter backend is'
sed -i 's/cuda1+0.experts:i16/cuda0-1:i16/' contracts/qwen3-moe-forward-v1.yaml
run "$pv" lint contracts/qwen3-moe-forward-v1.yaml
says "parameter backend is 'cuda0-1"
run "$pv" validate "$contract" --model "$model" --only F_FWD_FINITE --backend ptx0+1 --ids 1,2
says 'F_FWD_FINITE: interpreted, not a device: it held there over '
# Interpreted are as many as a contract names.
sed -i 's/{left: cpu, right: cuda}/{left: cpu, right: "cuda0+1\/experts"}/' contracts/model-forward-v1.yaml
run "$pv" validate contracts/model-forward-v1.yaml --model "$model" --only F_MODEL_PARITY --backend ptx --ids 1,2 --json
says '"ptx0+1/experts"'
says 'interpreted, not a device: it held there over '
run "$pv" validate "$contract" --model "$model" --backend ptx1+x
exits 2
warns "there is no backend 'ptx1+x'"

# refused SIDE TEXT
refused() {
  run "$pv" run "$model" --ids 1 --side "$1"
  exits 2
  warns "$2"
}
refused ptx0+0 'a device is named twice'
refused ptx0+ 'devices are numbers joined by +, such as 0+1'
refused ptx100 'a device has a number from 0 to 99'
refused ptx0+1+2+3+4 '5 devices for 4 layers: each has one at least'
refused ptx0+1/expert 'behind devices stands /experts or nothing'
refused cpu0+1/experts "there is no kind 'cpu0+1/experts'"
refused cpu0+1 "there is no kind 'cpu0+1'"
run "$pv" run "$here/../arch/models/gemma3-Q4_K_M.gguf" --ids 1 --side ptx0+1/experts
exits 2
warns 'the model has no experts to be placed on devices'
warns 'leave out /experts: then its layers are'
run "$pv" bench "$model" --side ptx0+1 --profile
exits 2
warns 'there is no profile of the side ptx'
run "$pv" bench "$model" --side cuda0+1/experts --profile
exits 2
warns 'there is no profile of experts on devices: the host waits for the router of every layer'
finish
