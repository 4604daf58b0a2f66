#!/usr/bin/env bash
# What a machine without a usable GPU is told, by a driver that plays each case ($3: its folder).
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
drivers=$3
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf
mkdir "$work/none"
: >"$work/none/libcuda.so.1" # the loader refuses it, as if there were none

# try MODE EXIT TEXT
try() {
  run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA="$1" \
    "$pv" run --model "$model" --prompt 'def f' --tokens 1 --side cuda
  exits "$2"
  warns "$3"
  same "$out" '' "$call: output"
}

run env LD_LIBRARY_PATH="$work/none" "$pv" run --model "$model" --prompt x --side cuda
exits 2
warns 'this machine has no CUDA driver'
try no-device 2 'a CUDA driver but no device'
try old-driver 2 'the CUDA driver is too old: it knows CUDA 11.4'
try old-device 2 'the device is of compute capability 7.0, the kernels need 8.0'
try refused 2 'the driver does not take the kernel'
try full 4 'bytes of device memory are needed at least, and 983040 may be held: 2 layers of '
try no-memory 4 'out of memory'
try small-blocks 2 'a product takes 512 elements of attn_out, for which a block needs 9472 bytes of shared memory and can have 9216'
try lost 4 'the device is unavailable'
try sticky 4 'an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS)'
warns 'nothing computed since the last check counts'

# What was uploaded, and how fast.
bench=("$pv" bench --model "$model" --side cuda --tokens 1 --prefill 1 --repeats 1)
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=idle "${bench[@]}"
exits 0
says ' GB/s'
says '0.01 GB of weights uploaded in '
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=idle "${bench[@]}" --json
field "d['device']['uploaded_bytes'] > 9e6, d['device']['upload_s'] > 0, 'profile' in d" 'True True False'

# Two of them, without a way from one to the other: that is said, once for each side.
for side in cuda0+1 cuda1+0/experts; do
  run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=two "${bench[@]}" --side $side --json
  exits 0
  same "$(grep -c 'the devices have no access to each other: rows go through the host' <<<"$err")" 1 "the note of $side"
  field "len(d['devices'])" 2
done
field "[(e['first_expert'], e['experts']) for e in d['devices']]" '[(0, 8), (8, 8)]'
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=two "${bench[@]}" --side cuda1/experts
exits 0
silent 'no access'
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=two "${bench[@]}" --side cuda0+2
exits 2
warns 'there is no device 2: this machine has 2'

run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=two "${bench[@]}" --side cuda0+1 --profile --json
exits 0
field "[p['phase'] for p in d['profile']['of']]" "['prefill', 'decode']"

# A profile there: each launch takes 10 us, and each of its two events 1 us.
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=idle "${bench[@]}" --prefill 9 --profile --json
exits 0
all="for p in d['profile']['of']"
field "[(p['phase'], abs(p['between']['median'] - 1e-6 * sum(r['calls'] for r in p['rows'])) < 1e-9) $all]" \
  "[('prefill', True), ('decode', True)]"
field "all(abs(r['seconds']['median'] - 11e-6 * r['calls']) < 1e-9 $all for r in p['rows'])" True
field "[len([s for r in p['rows'] for s in r['stages']]) $all]" '[23, 23]'
field "[sorted(r['what'] for r in p['rows'] if not r['stages']) $all][0]" "['argmax', 'attend_combine', 'group', 'round_rows']"
field "[r['stages'] $all for r in p['rows'] if r['what'] == 'down'][0]" \
  "['expert_down', 'moe_ffn_out', 'ffn_residual']"
field "sorted(q['name'] for q in d['profile']['ceilings']['peaks'])" "['dp4a', 'f32', 'mma']"
field "[q['operations_per_s'] for q in d['profile']['ceilings']['peaks'] if q['name'] == 'f32']" '[1024000000000.0]'
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=idle "${bench[@]}" --prefill 9 --profile
exits 0
says 'of 9: '
says 'Here each launch began when the one before had ended'
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=no-times "${bench[@]}" --profile
exits 4
warns 'the time of a launch: the device is unavailable'

# More slots than a grid can have, 4096 positions x 16 experts, is said before anything is launched.
run "$pv" synth --used 16 --out many.gguf
exits 0
for batch in 4095 4096; do
  run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=lost "$pv" compare cuda:i16 cuda:i16 \
    --model many.gguf --random "$batch" --stage argmax
  [ "$batch" -eq 4095 ] && warns 'the device is unavailable'
done
exits 2
warns 'a batch of 4096 positions is too large for a GPU: at most 4095'

# A device that breaks in the middle of a check is an error, and never a pass.
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=sticky "$pv" validate --json \
  --model "$model" --only F_GPU_ARGMAX "$here/../../contracts/qwen3-moe-forward-gpu-v1.yaml"
field "[f['verdict'] for f in d['falsifiers'] if f['id']=='F_GPU_ARGMAX']" "['ERROR']"
# One that computes nothing gives other bits, and is caught; without memory that is pinned too.
for mode in idle no-pinned; do
  run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=$mode "$pv" validate --json \
    --model "$model" --only F_GPU_ARGMAX "$here/../../contracts/qwen3-moe-forward-gpu-v1.yaml"
  field "[f['verdict'] for f in d['falsifiers'] if f['id']=='F_GPU_ARGMAX']" "['FAIL']"
  exits 1
done

# A kernel of somebody else: what a device without one is, and one that the kernel breaks.
kernel=$here/../../contracts/examples/kernels/q4k_gemv.yaml
# guest MODE EXIT TEXT
guest() {
  run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA="$1" "$pv" kernel check "$kernel" --on cuda
  exits "$2"
  says "$3"
  silent PASS
}
guest no-device 3 'not judged: this machine has a CUDA driver but no device'
guest refused 3 'ptxas application ptx input, line 9; fatal: no such thing'
guest old-device 3 'the device is of compute capability 7.0'
guest idle 1 'nobody wrote y[0][0] of [1][1]'
guest illegal 1 'out of bounds'
says 'no case was run after it'
says 'k=256 rows=1 batch=1'
guest endless 1 'did not end within 10 s'

# What a device does not show is seen in the PTX, which is interpreted too; of machine code in the PTX
# that the descriptor names.
barrier=$here/guest/barrier.ptx
sed "s|^schema:.*|&\nfile: $barrier|" "$here/guest/gemv.yaml" >of.yaml
printf '\177ELF no machine code' >barrier.cubin
for file in "$barrier" barrier.cubin; do
  run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=idle "$pv" kernel check "$file" --descriptor of.yaml \
    --on cuda --json
  exits 1
  field "[f['kind'] for f in d['findings']], d['watched'].endswith('barrier.ptx'), d['unwatched']" \
    "['shared-memory race', 'unwritten'] True "
  field "[(f['place']['file'][-11:], f['place']['line'] > 0) for f in d['findings']][0]" "('barrier.ptx', True)"
done
run env LD_LIBRARY_PATH="$drivers" PV_FAKE_CUDA=idle "$pv" kernel check barrier.cubin \
  --descriptor "$here/guest/gemv.yaml" --on cuda
exits 1
says 'memory was not watched: it is machine code, and the descriptor'
silent 'shared-memory race'
finish
