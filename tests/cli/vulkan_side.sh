#!/usr/bin/env bash
# The side vulkan, on Mesa's software device where there is no GPU: every bit of every stage; and what is
# said where there is no device, or one that fails ($3: the folder of a loader that plays it).
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
drivers=$3
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf
real=$(PATH=$PATH:/sbin ldconfig -p | sed -n 's/.*libvulkan\.so\.1 .*=> //p' | head -1)

# Batches of seven rows and of five, beside one batch of all: what was written before is read.
run "$pv" compare cpu:i16 vulkan:i16 --model "$model" --random 12 --batch 7 --different
exits 0
says '12 tokens: 0 differ'
says '80 tensors, 418956 elements compared, 0 differ'

# Of other quantised files a few tokens, two together and one by itself; tests/cli/vulkan_files.sh has more.
for layout in Q6_K Q8_0; do
  "$pv" synth --layout "$layout" --seed 1 --no-sync --out "$layout.gguf" >/dev/null
  run "$pv" compare cpu:i16 vulkan:i16 --model "$layout.gguf" --random 3 --batch 2 --different
  exits 0
  says '80 tensors, 104739 elements compared, 0 differ'
done

# Decoded: launches that were recorded at the first token are repeated.
for identity in i16 f32-f64acc; do
  made=()
  for side in cpu vulkan; do
    run "$pv" run "$model" --ids 861,1644 --tokens 4 --side $side:$identity --print-ids
    exits 0
    made+=("$out")
  done
  same "${made[1]}" "${made[0]}" "tokens made by vulkan:$identity"
done

# Sums of float64: two tokens together and one by itself, beside three together.
run "$pv" compare cpu:f32-f64acc vulkan:f32-f64acc --model "$model" --random 3 --batch 2 --different
exits 0
says '80 tensors, 104739 elements compared, 0 differ'

# A fault that the device itself computes, by what it is given; before it the bits of i8.
run "$pv" compare cpu:i8 vulkan0:i8@wrong_rope_base --model "$model" --ids 861,1644,198 --layer 0 --stage q,q_rope
exits 1
says '3 tokens: '
same "$(awk '$1 == "q" { print $4 }' <<<"$out")" 0 'differences of q'
if [ "$(awk '$1 == "q_rope" { print $4 }' <<<"$out")" -gt 0 ]; then ok; else bad "$call: q_rope is as it was"; fi

run "$pv" compare cpu:i16 vulkan:f64 --model "$model" --ids 861
exits 2
warns "there is no identity of vulkan 'f64', but i16, f32-f64acc, i8"
if [ "$("$pv" vulkan list --json | grep -c '"index"')" -eq 1 ]; then
  run "$pv" compare cpu:i16 vulkan1:i16 --model "$model" --ids 861
  exits 2
  warns 'there is no Vulkan device 1: this machine has 1'
fi

# Nothing is said of a share of what the CPU reads or computes.
run "$pv" bench --model "$model" --side vulkan --tokens 1 --prefill 1 --repeats 1 --profile --json
exits 0
field "['read_bytes_per_s' in d, 'fraction_of_read_bandwidth' in d['decode'][0]]" '[False, False]'
field "[any('floor' in r for r in p['rows']) for p in d['profile']['of']]" '[False, False]'
field "d['profile']['ceilings']" "{'peaks': []}"

mkdir "$work/none"
: >"$work/none/libvulkan.so.1" # dlopen refuses it, as if there were none
run env LD_LIBRARY_PATH="$work/none" "$pv" compare cpu:i16 vulkan:i16 --model "$model" --ids 861
exits 2
warns 'this machine has no Vulkan loader (libvulkan.so.1)'
# played MODE EXIT TEXT [IDENTITY]: no number of such a device is shown.
played() {
  run env LD_LIBRARY_PATH="$drivers" PV_REAL_VULKAN="$real" PV_FAKE_VULKAN="$1" "$pv" compare "cpu:${4-i16}" \
    "vulkan:${4-i16}" --model "$model" --ids 861
  exits "$2"
  warns "$3"
  same "$out" '' "$call: standard output"
}
played idle 2 "the Vulkan device 0 is not used: add: 65536 of 65536 results are not the CPU's"
played no-float64 2 "' has no shaderFloat64"
played no-float64 2 "' has no shaderFloat64" f32-f64acc
played lost 4 'the device: it is lost'
played full 4 'the device has no 0.5 MB of memory left'
finish
