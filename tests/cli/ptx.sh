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

run "$pv" ptx --help
exits 0
says 'pv ptx check all --rules all'
run "$pv" ptx list
case $code in
  0)
    says q6k_gemv_f64acc
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
