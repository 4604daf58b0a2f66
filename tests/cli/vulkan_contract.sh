#!/usr/bin/env bash
# The contract about the side vulkan, as far as a device of software goes: what it carries, the device that
# its evidence names, the faults that are found; and where there is no device, or no GPU, NOT_RUN with one
# sentence ($3: the folder of a loader that plays it).
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
drivers=$3
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
# Another name, and the version before any evidence: no receipt is in the way.
contract=$work/vulkan-copy.yaml
awk '/^  (depends_on|amendment_history):/ { skips = 1; next } /^ ? ?[a-z]/ { skips = 0 } !skips' \
  "$root/contracts/qwen3-moe-forward-vulkan-v1.yaml" |
  sed -E 's/^(  name:).*/\1 vulkan-copy/; s/^(  version:).*/\1 "1.0.0"/; s/^(  status:).*/\1 PROPOSED/
    s/^equations:/  amendment_history: [{version: "1.0.0", date: "2026-11-30", kind: created, title: A copy, description: For a test}]\n&/' >"$contract"
model=$root/models/tiny-coder-moe-Q4_K_M.gguf
real=$(PATH=$PATH:/sbin ldconfig -p | sed -n 's/.*libvulkan\.so\.1 .*=> //p' | head -1)
verdicts="' '.join(f['verdict'] for f in d['falsifiers'] if f['verdict'] != 'NOT_RUN' or 'left out' not in f['reason'])"

# One short prompt, the rules of SPIR-V, and what asks for a GPU.
run "$pv" validate "$contract" --model "$model" --out "$work/runs" --only F_VK_SPIRV,F_VK_INDEX_SETS --faults --json
field "$verdicts" 'PASS PASS'
field "[(f['id'], f['faults']) for f in d['falsifiers'] if f['id'] == 'F_VK_SPIRV'][0][1]['killed']" "['contraction', 'approximate_exp']"
evidence=$(find "$work/runs" -name evidence.json)
same "$(grep -c ' operations proved, subnormals ' "$evidence")" 1 'the proof in the evidence'
same "$(grep -c '"spirv_sha256"' "$evidence")" 1 'the digest of the shaders in the evidence'

run env LD_LIBRARY_PATH="$drivers" PV_REAL_VULKAN="$real" PV_FAKE_VULKAN=software "$pv" validate "$contract" \
  --model "$model" --out "$work/runs" --only F_VK_GPU_PROOF,F_VK_GPU_PARITY --json
exits 0
field "$verdicts" 'NOT_RUN NOT_RUN'
field "all('is a device of software: a GPU is asked for' in f['reason'] for f in d['falsifiers'] if 'GPU' in f['id'])" True

mkdir "$work/none"
: >"$work/none/libvulkan.so.1" # dlopen refuses it, as if there were none
run env LD_LIBRARY_PATH="$work/none" "$pv" validate "$contract" --model "$model" --out "$work/runs" --json
field "[f['id'] for f in d['falsifiers'] if f['verdict'] == 'PASS']" "['F_VK_SPIRV']"
field "len([f for f in d['falsifiers'] if 'no Vulkan loader' in f['reason']])" 9
finish
