#!/usr/bin/env bash
# pv vulkan: what a device is told to be, one that computes something else, and what a machine is told
# that has none, by a loader that plays each case ($3: its folder).
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
drivers=$3
source "$here/lib.sh"
real=$(PATH=$PATH:/sbin ldconfig -p | sed -n 's/.*libvulkan\.so\.1 .*=> //p' | head -1)

run "$pv" vulkan list
exits 0
says '0: '
says ', Vulkan 1.'
run "$pv" vulkan list --json
field "d['reason'], d['devices'][0]['index'], len(d['devices']) > 0" 'None 0 True'

# With a fault: the device is not used, the operation is named, and the rest is told all the same.
run "$pv" vulkan prove --device 0 --fault fma_unfused
exits 1
says 'FAIL fma '
says 'PASS divide '
says 'NOT_RUN: fma: '
says ', the CPU 4a37d66d'
run "$pv" vulkan prove --device 0 --fault narrowed_to_zero --json
exits 1
echo "$out" >prove.json
field "d['verdict'], d['fault'], d['devices'][0]['verdict']" 'NOT_RUN narrowed_to_zero NOT_RUN'
field "[o['operation'] for o in d['devices'][0]['operations'] if o['verdict'] != 'PASS']" "['float64-to-float32', 'subnormal-narrowing']"
field "[len(o['first']['a']) for o in d['devices'][0]['operations'] if o['first']]" '[18, 18]'
field "all(o['compared'] >= 256 for o in d['devices'][0]['operations'])" True

# What both say is what docs/schema says.
"$pv" vulkan list --json >list.json
against json list.json prove.json
exits 0

# refuses TEXT WORD...
refuses() {
  run "$pv" vulkan "${@:2}"
  exits 2
  warns "$1"
  silent PASS
}
refuses 'needs list or prove'
refuses 'needs list or prove' prov
refuses 'did you mean --device?' list --devise 0
refuses "there is no device 99" prove --device 99
refuses 'pv vulkan list' prove --device 99
refuses '--device' list --device one
refuses "no fault 'fma'" prove --fault fma
refuses 'fma_unfused' prove --fault fma
refuses 'a fault is planted' list --fault flushed

mkdir "$work/none"
: >"$work/none/libvulkan.so.1" # dlopen refuses it, as if there were none
for verb in list prove; do
  run env LD_LIBRARY_PATH="$work/none" "$pv" vulkan $verb
  exits 3
  says 'NOT_RUN: this machine has no Vulkan loader (libvulkan.so.1)'
done
run env LD_LIBRARY_PATH="$work/none" "$pv" vulkan prove --json
exits 3
field "d['verdict'], d['devices'], d['reason'][:33]" 'NOT_RUN [] this machine has no Vulkan loader'

# played MODE EXIT TEXT: one sentence, and no verdict but NOT_RUN.
played() {
  run env LD_LIBRARY_PATH="$drivers" PV_REAL_VULKAN="$real" PV_FAKE_VULKAN="$1" "$pv" vulkan prove --device 0
  exits "$2"
  says "NOT_RUN: $3"
  silent 'PASS:'
  same "$err" '' "$call: standard error"
}
played no-driver 3 'this machine has a Vulkan loader but no device'
played no-device 3 'this machine has a Vulkan loader but no device'
played old-loader 3 'the Vulkan loader is too old: it has no vkEnumerateInstanceVersion'
played old-device 3 "the device '"
says "' knows Vulkan 1.1, the shaders need 1.2"
for feature in float64:shaderFloat64 int64:shaderInt64 addresses:bufferDeviceAddress dot:shaderIntegerDotProduct; do
  played "no-${feature%:*}" 3 "the device '"
  says "' has no ${feature#*:}"
done
played no-shared 3 "the device '"
says "' gives a group 16384 bytes of shared memory, the shaders need 32768"
played no-queue 3 "the device '"
says 'it has no queue for it'
played full 4 'the device has no 0.5 MB of memory left'
played refused 4 'the driver does not take a shader'
played lost 4 'the device: it is lost (VkResult -4); nothing that it computed'
played stuck 4 'the device: it did not end within a minute'
played idle 1 'add: 65536 of 65536 results are not the CPU'
run env LD_LIBRARY_PATH="$drivers" PV_REAL_VULKAN="$real" PV_FAKE_VULKAN=no-start "$pv" vulkan prove
exits 4
warns 'Vulkan does not start: the driver does not start'

# Without CUDA a GPU is the device that evidence is of; one of software is none.
for kind in gpu:discrete 'software:software, no GPU'; do
  run env LD_LIBRARY_PATH="$drivers" PV_REAL_VULKAN="$real" PV_FAKE_VULKAN="${kind%%:*}" "$pv" version --json
  exits 0
  field "'(${kind#*:}), Vulkan 1.' in d['probe']['vulkan']" True
  name=$(python3 -c 'import json, sys; e = json.loads(sys.argv[1])["probe"]
print("not for a machine with CUDA" if "cuda_code" in e else e["device"] + "|" + e["vulkan"].split(" (" + sys.argv[2])[0])' "$out" "${kind#*:}")
  case $kind:$name in
    *'not for a machine with CUDA') ;;
    gpu:*) same "${name%%|*}" "${name#*|}" "$call: the device" ;;
    *) same "${name%%|*}" none "$call: the device" ;;
  esac
done
finish
