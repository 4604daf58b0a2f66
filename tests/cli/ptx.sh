#!/usr/bin/env bash
# pv ptx over a file, and over the kernels of the build where there are any.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
data=$here/../unit/ptx/data
faults=$data/faults.ptx

run "$pv" ptx list --file "$faults"
exits 0
says 'sound'
says 'local_memory'
run "$pv" ptx list --file "$faults" --json
exits 0
field "len(d['kernels'])" 14
field "[k['params'][3]['type'] for k in d['kernels'] if k['kernel']=='sound']" "['u32']"
field "all(k['instructions']>0 and k['target']=='sm_80' for k in d['kernels'])" True
run "$pv" ptx show sound --file "$faults"
exits 0
says '.visible .entry sound('
says 'cvt.rn.f32.f64'
silent '.entry sound_loop('
run "$pv" ptx show sound --file "$faults" --json
exits 0
field "[i['opcode'] for i in d['code']].count('shfl.sync.down.b32')" 5

run "$pv" ptx check sound --file "$faults" --require fma.rn.f64,add.f64 --forbid .ftz,.approx \
  --order fma.rn.f64,cvt.rn.f32.f64,shfl.sync,st.global.f32 --count shfl.sync.down.b32.5 \
  --rules all --writers fma.rn.f64,add.f64,zero
exits 0
says 'PASS: 14 findings, 0 against'
run "$pv" ptx check f32_accumulator --file "$faults" --writers fma.rn.f64,add.f64,zero
exits 1
says 'fma.rn.f32 reaches shfl.sync, but not through cvt.rn.f32.f64'
run "$pv" ptx check f32_scaled_sums --file "$faults" --writers fma.rn.f64,zero --factors cvt.f64,ld
exits 1
says 'fma.rn.f32 makes a factor of an accumulator'
run "$pv" ptx check all --file "$faults" --rules all --json
exits 1
field "sorted({f['kernel'] for f in d['findings'] if not f['held']})" \
  "['approximate_exp', 'atomics', 'fault_in_a_call', 'local_memory']"
field "d['verdict'], d['kernels'], d['compared'] > 0" 'FAIL 14 True'

# what can not be judged is never a PASS
refuses() {
  run "$pv" ptx "$@"
  exits 2
  silent PASS
}
refuses check sound --file "$faults" --forbid .aprox
warns 'did you mean approx?'
refuses check sound --file "$faults" --rules no_fzt
warns 'did you mean no_ftz?'
refuses check sund --file "$faults" --rules all
warns "there is no kernel 'sund'"
refuses check sound --file "$faults" --count shfl.sync
warns 'does not end with a count'
refuses check sound --file "$faults" --forbid .ftz,
warns 'an empty pattern'
refuses check sound --file "$faults"
warns 'nothing is asserted'
refuses check sound --file "$faults" --sink shfl.sync
warns 'a flow needs --writers'
refuses check --file "$faults" --rules all
warns 'needs the name of a kernel'
refuses show sund --file "$faults"
refuses list --file "$faults" --forbid .ftz
warns 'directives belong to check'
refuses list sound --file "$faults"
refuses
warns 'list, show or check'
refuses prove sound
refuses check all --file nothing.ptx --rules all
head -c 2000 "$faults" >cut.ptx
refuses check all --file cut.ptx --rules all
warns 'cut.ptx:'
printf 'BEGIN' >cut.ptx
refuses list --file cut.ptx
warns 'cut.ptx:1:1'

# Foreign PTX: a kernel that is not understood is named and has no verdict; the others have theirs.
foreign() { # foreign FILE KERNEL BODY...
  local file=$1
  shift
  printf '.version 8.3\n.target sm_90a\n.address_size 64\n' >"$file"
  printf '.extern .func (.param .b32 r) vprintf(.param .b64 a, .param .b64 b);\n' >>"$file"
  while [ $# -gt 0 ]; do
    printf '.visible .entry %s() {\n.reg .f32 %%f<3>;\n.reg .b32 %%r<5>;\n.reg .b64 %%d<5>;\n%s\nret;\n}\n' \
      "$1" "$2" >>"$file"
    shift 2
  done
}
tma='	cp.async.bulk.tensor.2d.shared::cluster.global [%r1], [%d2, {%r2, %r3}], [%r1];'
wgmma='wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f1,%f2}, %d3, %d4, 1, 1, 1, 0, 0;'
sound='add.rn.f32 %f1, %f1, %f2;'
print='{
.param .b32 v;
.param .b64 p;
call.uni (v), vprintf, (p, p);
}'
foreign beside.ptx tma "$tma" sound "$sound" wgmma "$wgmma" prints "$print"
run "$pv" ptx check all --file beside.ptx --rules all
exits 3
says "NOT_RUN tma, line 9: no modifier '.tensor' is known: cp.async.bulk.tensor.2d.shared::cluster.global [%r1], [%d2, {%r2, %r3}], [%r1];"
says "NOT_RUN wgmma, line 23: no modifier '.m64n8k16' is known: wgmma.mma_async"
says 'NOT_RUN: 10 findings, 0 against, in 2 kernels; not judged: 2 kernels'
silent PASS
run "$pv" ptx check all --file beside.ptx --rules all --json
exits 3
field "[(k['kernel'], k['line']) for k in d['not_judged']]" "[('tma', 9), ('wgmma', 23)]"
field "sorted({f['kernel'] for f in d['findings']}), d['verdict']" "['prints', 'sound'] NOT_RUN"
for kernel in sound prints; do
  run "$pv" ptx check $kernel --file beside.ptx --rules all
  exits 0
  says 'PASS: 5 findings, 0 against, in 1 kernel'
done
run "$pv" ptx check tma --file beside.ptx --require ret
exits 3
says 'NOT_RUN: 0 findings, 0 against, in 0 kernels; not judged: 1 kernel'
run "$pv" ptx check all --file beside.ptx --forbid .aprox
exits 2
run "$pv" ptx list --file beside.ptx
exits 3
says "not read: line 9: no modifier '.tensor' is known: cp.async.bulk.tensor"
says 'sound beside.ptx'
run "$pv" ptx list --file beside.ptx --json
exits 3
field "[(k['kernel'], k['not_read'] and k['not_read']['line']) for k in d['kernels']]" \
  "[('tma', 9), ('sound', None), ('wgmma', 23), ('prints', None)]"
run "$pv" ptx show tma --file beside.ptx
exits 3
says 'cp.async.bulk.tensor.2d'
run "$pv" ptx show sound --file beside.ptx --json
exits 0
field "d['not_read'], len(d['code'])" 'None 2'
# One that is falsified counts, whatever else was not judged.
foreign falsified.ptx tma "$tma" approximates 'ex2.approx.ftz.f32 %f1, %f2;'
run "$pv" ptx check all --file falsified.ptx --rules all
exits 1
says 'FAIL approximates, line 16: no_ftz'
says 'NOT_RUN tma, line 9'
says 'FAIL: 5 findings, 2 against, in 1 kernel; not judged: 1 kernel'
run "$pv" ptx check all --file falsified.ptx --rules all --json
exits 1
field "d['verdict'], len(d['not_judged'])" 'FAIL 1'
# Where the text says what it was made from, a finding names it too.
foreign made.ptx k '.loc 1 12 3
ex2.approx.f32 %f1, %f2;
.loc 7 5 1
add.f32 %f1, %f1, %f2;' l 'add.f32 %f1, %f1, %f2;'
printf '.file 1 "dir/kernel.cu"\n' >>made.ptx
run "$pv" ptx check all --file made.ptx --rules all
exits 1
says 'FAIL k, line 10 (dir/kernel.cu:12): no_approx: ex2.approx.f32'
says 'FAIL k, line 12: no_contraction: add.f32' # a file without a name
says 'FAIL l, line 19: no_contraction: add.f32'
run "$pv" ptx check k --file made.ptx --forbid .approx --require mul --count add.2 --order add,ex2 \
  --writers add --sink ex2 --through cvt --json
exits 1
field "[f['source'] and (f['source']['file'], f['source']['line']) for f in d['findings'] if f['line'] == 10]" \
  "[('dir/kernel.cu', 12), ('dir/kernel.cu', 12)]"
foreign only.ptx tma "$tma"
run "$pv" ptx check all --file only.ptx --rules all
exits 3
says 'in 0 kernels; not judged: 1 kernel'
# Without a kernel there is nothing to list or to judge; what is no PTX at all is no kernel's matter.
foreign none.ptx
refuses check all --file none.ptx --rules all
warns 'there is no kernel (.entry) in this text'
refuses list --file none.ptx
warns 'there is no kernel (.entry) in this text'
foreign garbage.ptx sound "$sound" tma "$tma"
printf '\1' >>garbage.ptx
refuses check all --file garbage.ptx --rules all
warns 'garbage.ptx:19:1: error: this character has no place in PTX'

run "$pv" ptx --help
exits 0
says 'pv ptx check all --rules all'
run "$pv" ptx list
case $code in
  0)
    says q6_k_gemv_f64acc
    run "$pv" ptx check all --rules all
    exits 0
    run "$pv" ptx show rmsnorm
    exits 0
    ;;
  *)
    exits 3
    warns 'this build has no CUDA kernels'
    ;;
esac
finish
