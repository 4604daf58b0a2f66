#!/usr/bin/env bash
# pv kernel: the list, the cases of each kernel on the interpreter, and that a wrong kernel is caught.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"

run "$pv" kernel list
exits 0
says 'gemm (gemm.h): mm'
says 'down (down.h): mm, combine, add'
run "$pv" kernel list --json
exits 0
field "len(d['kernels'])" 61
field "[k['writes'] for k in d['kernels'] if k['kernel']=='down']" "[['out', 'sum', 'total']]"
field "[(k['grid'][0], k['block'], k['argument']) for k in d['kernels'] if k['kernel']=='route']" \
  "[('rows', 128, 'pv_cuda_route')]"

# A call that is wrong.
refuses() {
  run "$pv" kernel "$@"
  exits 2
  silent PASS
}
refuses
warns 'list, check, bench, operations or describe'
refuses prove down
refuses list down
warns 'list takes no kernel'
refuses check
warns 'needs the name of a kernel, or all'
refuses check dwn
warns 'did you mean down?'
refuses bench
warns 'needs the name of a kernel, or all'
refuses list all
warns 'list takes no kernel'
refuses check down --on gpu
warns "'gpu' is no set of kernels"
refuses check down --on definition
warns 'what the others are held against'
refuses bench down --on avx2
warns 'says nothing about a kernel'
refuses bench down --on ptx
warns 'says nothing about a kernel'
refuses check down --type IQ3_S
warns "type 'IQ3_S'"
refuses check down --k 0
refuses check add --on cuda --file x.ptx
warns '--file belongs to check --on ptx'
refuses check add --file nothing.ptx

# The same cases on the CPU: the operations that the kernels stand for, and no others.
run "$pv" kernel check all --on scalar --json
exits 0
field "len(d['kernels']), {(k['on'], k['verdict']) for k in d['kernels']}" "55 {('scalar', 'PASS')}"
field "all(k['compared'] > 0 for k in d['kernels'])" True
run "$pv" kernel check gemv --on cpu --type Q5_K --json
exits 0
field "d['kernels'][0]['cases'], d['kernels'][0]['verdict']" '104 PASS'
run "$pv" kernel check group --on scalar
exits 3
warns 'nobody makes cases for the kernel group on the CPU'

run "$pv" kernel check add
if [ "$code" -eq 3 ]; then # a build without nvcc has no kernels
  warns 'no PTX to interpret'
  finish
  exit
fi
exits 0
says 'PASS add'

# A case that does not fit is told by the kernel's limit.
refuses check gemm --type Q8_0 --k 65568
warns 'the kernel gemm does not take this case'
warns 'a->acts.k <= 65536'
refuses check route --k 1025
warns 'experts <= 1024'
refuses check heads --k 258
warns 'dim <= 256'
refuses check down --type F32 --k 64 --rows 12
warns 'rows.count % PV_DOWN_ROWS == 0'
refuses check gemv --type Q4_K --k 96
warns 'no whole number of blocks of Q4_K'

run "$pv" kernel check all --json
exits 0
field "len(d['kernels']), {k['verdict'] for k in d['kernels']}" "61 {'PASS'}"
field "all(k['cases'] >= 12 and k['compared'] > 0 for k in d['kernels'])" True
run "$pv" kernel check gate_up --type Q6_K --k 256 --rows 5 --batch 1
exits 0
says 'PASS gate_up'

# The PTX of a kernel, with one thing wrong in it.
# changed KERNEL SED-SCRIPT: into changed.ptx.
changed() {
  printf '.version 9.0\n.target sm_80\n.address_size 64\n' >plain.ptx
  "$pv" ptx show "$1" | sed -E 's/^ *[0-9]+  ?//' >>plain.ptx
  sed -E "$2" plain.ptx >changed.ptx
  if cmp -s plain.ptx changed.ptx; then bad "$1: '$2' changes nothing"; else ok; fi
}
changed add '$a //'
run "$pv" kernel check add --file changed.ptx
exits 0
# An operation.
changed add 's/add(\.rn)?\.f32/sub\1.f32/'
run "$pv" kernel check add --file changed.ptx
exits 1
says 'FAIL add'
says 'out[0] is'
says 'the definition says'
run "$pv" kernel check add --file changed.ptx --json
exits 1
field "d['kernels'][0]['verdict'], d['kernels'][0]['fault'], d['kernels'][0]['different'] > 0" "FAIL  True"
# The bound: a thread past the end reads behind its buffer.
changed gate 's/^ *@%p1 bra .*//'
run "$pv" kernel check gate --file changed.ptx
exits 1
says 'FAIL gate'
says 'out of bounds'
run "$pv" kernel check gate --file changed.ptx --json
exits 1
field "'out of bounds' in d['kernels'][0]['fault']" True
# A store to what is no output.
changed add 's/add_param_0\+16\]/add_param_0+8]/'
run "$pv" kernel check add --file changed.ptx
exits 1
says 'undeclared write'
# The rule for equal logits.
changed route 's/setp\.ge(\.u32 +%p1[2-5],)/setp.gt\1/'
run "$pv" kernel check route --file changed.ptx
exits 1
# A kernel that stores nothing.
changed combine 's/^ *st\.global\.f32.*$//'
run "$pv" kernel check combine --file changed.ptx
exits 1
says 'sum[0] is'
# The file's kernel is judged, and no other in its place.
refuses check down --file changed.ptx
warns "'changed.ptx' has no kernel 'down'"
run "$pv" kernel check all --file changed.ptx
exits 1
silent PASS
says 'FAIL combine'
printf 'BEGIN' >changed.ptx
refuses check add --file changed.ptx
warns 'changed.ptx:1'

# Without a device nothing is judged, and the exit code says so.
if ! [ -e /dev/nvidiactl ]; then
  for verb in check bench; do
    run "$pv" kernel $verb add --on cuda
    exits 3
    silent PASS
  done
fi

finish
