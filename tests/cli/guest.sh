#!/usr/bin/env bash
# pv kernel check FILE: kernels of somebody else, what their descriptors may not say, and kernels that
# must not take the run with them.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
example=$root/contracts/examples/kernels
cp "$example"/q4k_gemv.* "$work"

# One command and a short descriptor, without a device.
run "$pv" kernel check q4k_gemv.ptx
exits 0
says 'PASS q4k_gemv as q4_k_gemv in float32 on ptx: '
same "$([ "$(wc -l <q4k_gemv.yaml)" -le 25 ] && echo short)" short 'the length of the descriptor'
run "$pv" kernel check q4k_gemv.yaml --json
exits 0
field "d['kernel'], d['operation'], d['numerics'], d['on'], d['verdict']" \
  "q4k_gemv q4_k_gemv float32 ptx PASS"
field "d['cases'] >= 12, d['runs'] == 2 * d['cases'], d['compared'] > 0, d['wrong'], d['unwritten']" \
  'True True True 0 0'
# As what it is not.
run "$pv" kernel check q4k_gemv.ptx --as q5_k_gemv
exits 1
says 'FAIL q4k_gemv as q5_k_gemv'

run "$pv" kernel operations
exits 0
says 'q4_k_gemv'
says 'weights [rows][k] weights, read'
run "$pv" kernel operations --json
exits 0
field "[o['sizes'] for o in d['operations'] if o['operation']=='q4_k_gemv']" "[['k', 'rows', 'batch']]"

# A descriptor to begin with: what it marks is filled in, and it runs.
run "$pv" kernel describe q4k_gemv.ptx --as q4_k_gemv
exits 0
says 'allow: [contraction] # it has such instructions'
sed -e 's/^grid:.*/grid: [ceil_div(rows, 2), batch]/' -e 's/^block:.*/block: 64/' .out >described.yaml
run "$pv" kernel check described.yaml
exits 0
says PASS

refuses() {
  run "$pv" kernel "$@"
  exits 2
  silent PASS
  silent FAIL
}
refuses check missing.ptx
warns "missing.yaml"
warns 'pv kernel describe'
refuses check missing.yaml
refuses check q4k_gemv.yaml --descriptor q4k_gemv.yaml
refuses check q4k_gemv.yaml --type Q4_K
refuses check q4k_gemv.yaml --k 256
refuses check q4k_gemv.yaml --on gpu
warns "can not be run on 'gpu'"
refuses check q4k_gemv.yaml --as q4_k_gemm
warns 'did you mean q4_k_gemv?'
refuses check gemv --descriptor q4k_gemv.yaml
refuses describe q4k_gemv.ptx
refuses describe q4k_gemv.ptx --as q4_k_gemv --entry gemv
warns 'it has: q4k_gemv'
refuses operations x
printf 'no kernel' >text.ptx
refuses check text.ptx --descriptor q4k_gemv.yaml
warns 'text.ptx:1:1'

# descriptor SED-SCRIPT: what does not fit the entry, at its place.
changed() {
  sed -E "$1" q4k_gemv.yaml >changed.yaml
  if cmp -s q4k_gemv.yaml changed.yaml; then bad "'$1' changes nothing"; else ok; fi
  refuses check changed.yaml
}
changed 's/, k, rows\]/, k]/'
warns 'changed.yaml:7:13'
warns "'q4k_gemv' takes 5 parameters, here are 4"
changed 's/, k, rows\]/, u64: k, rows]/'
warns 'changed.yaml:7:29'
warns "parameter 3 of 'q4k_gemv' has 4 bytes, 'k' has 8"
changed 's/, k, rows\]/, x, rows]/'
warns 'a tensor is given as an address of 8 bytes'
changed 's/entry: q4k_gemv/entry: q4k_gem/'
warns 'changed.yaml:3:8'
warns 'did you mean q4k_gemv?'
changed 's/entry: q4k_gemv/entry: something_else/'
warns 'it has: q4k_gemv'
changed 's/grid: .*/grid: [rows - rows]/'
warns 'changed.yaml:8:8'
warns 'the grid in x is 0'
changed 's/grid: .*/grid: [1, 70000]/'
warns 'the grid in y is 70000'
changed 's/grid: .*/grid: [2147483647, 2]/'
warns 'changed.yaml:8:8'
warns 'a grid of 2147483647 x 2 x 1 blocks: more than 4194304 are not interpreted'
changed 's/block: 64/block: 2048/'
warns 'the block in x is 2048'
changed 's/block: 64/block: [64, 32]/'
warns 'more than 1024 threads'
changed '$a shared: 1 << 20'
warns 'shared memory is 1048576'
changed '$a limits: k > 100000'
warns 'no case of q4_k_gemv is within the limits'
changed '$a limits: k / 2.0'
warns 'changed.yaml:10:9'
warns "limits is a float by 'k / 2.0': no condition"
changed 's/, k, rows\]/, k, rowz]/'
warns 'did you mean rows?'
changed '$a limits: k % batches'
warns 'did you mean batch?'
changed 's/file: .*/file: other.ptx/'

# Indices that are only read may be many: a matrix of four bits has one for each number.
printf '%s\n' '.version 8.0' '.target sm_80' '.address_size 64' '.visible .entry k(.param .u64 y)' '{' 'ret;' '}' >idle.ptx
printf '%s\n' 'schema: pv/kernel/v1' 'file: idle.ptx' 'entry: k' 'operation: int4_gemv' 'numerics: float32' 'parameters: [y]' \
  'limits: k == 2048' 'grid: 1' 'block: 32' >idle.yaml
run "$pv" kernel check idle.yaml --json
exits 1
field "d['verdict'], d['unwritten'] > 0" 'FAIL True'

# Cases that a kernel does not take are left out, and counted.
sed '$a limits: k <= 256' q4k_gemv.yaml >limited.yaml
run "$pv" kernel check limited.yaml --json
exits 0
field "d['cases'] > 0, d['cases_left_out'] > 0" 'True True'

# kernel BODY [PARAMETERS]: PTX of one entry, with its descriptor.
kernel() {
  cat >own.ptx <<PTX
.version 8.0
.target ${2:-sm_80}
.address_size 64
.visible .entry own(.param .u64 w, .param .u64 x, .param .u64 y, .param .u32 k, .param .u32 rows)
${3:-}
{
  .reg .pred %p<4>;
  .reg .b32 %r<8>;
  .reg .f32 %f<4>;
  .reg .b64 %rd<8>;
  $1
  ret;
}
PTX
  sed -e 's/q4k_gemv/own/' q4k_gemv.yaml >own.yaml
}
kernel 'ld.param.u64 %rd1, [y];'
run "$pv" kernel check own.yaml --json
exits 1
field "d['findings'][0]['kind'], d['findings'][0]['place']['line'], d['unwritten'] == d['compared']" \
  'unwritten 4 True'
# It never ends.
kernel 'loop: bra loop;'
run "$pv" kernel check own.yaml --json
exits 1
field "d['findings'][0]['kind'], d['cases']" 'endless 1'
# It writes everywhere.
kernel 'ld.param.u64 %rd2, [y]; mov.u32 %r1, %tid.x; mad.wide.u32 %rd1, %r1, 4, %rd2;
loop: st.global.u32 [%rd1], 0;
add.s64 %rd1, %rd1, 4096; bra loop;'
run "$pv" kernel check own.yaml --json
exits 1
field "d['findings'][0]['kind'], d['findings'][0]['place']['line']" 'out of bounds 12'
# It writes what it was given to read.
kernel 'ld.param.u64 %rd1, [x];
st.global.u32 [%rd1], 0;'
run "$pv" kernel check own.yaml --json
exits 1
field "d['findings'][0]['kind'], d['findings'][0]['place']['line']" 'undeclared write 12'
kernel 'ld.param.u64 %rd1, [x]; add.s64 %rd1, %rd1, 2;
ld.global.u32 %r1, [%rd1];'
run "$pv" kernel check own.yaml --json
exits 1
field "d['findings'][0]['kind'], d['findings'][0]['place']['line']" 'misaligned 12'
kernel 'trap;'
run "$pv" kernel check own.yaml --json
exits 1
field "d['findings'][0]['kind'], d['findings'][0]['place']['line']" 'trap 11'
# Other instructions than are executed, of a newer target: nothing is judged.
kernel 'tcgen05.wait::ld.sync.aligned;' sm_100a
run "$pv" kernel check own.yaml
exits 3
says 'NOT_RUN own'
says 'own.ptx:11:'
kernel '' sm_80 '.reqntid 128'
refuses check own.yaml
warns "'own' demands blocks of 128 x 1 x 1 (.reqntid), x is 64"
kernel '' sm_80 '.maxntid 32, 1, 1'
refuses check own.yaml
warns "takes at most 32 threads (.maxntid), here are 64"

# A struct, aligned as C does.
cat >own.ptx <<'PTX'
.version 8.0
.target sm_80
.address_size 64
.visible .entry own(.param .align 8 .b8 all[32], .param .u32 rows)
{
  ret;
}
PTX
struct() {
  sed -e 's/q4k_gemv/own/' -e "s/parameters: .*/parameters: [struct: [$1], rows]/" q4k_gemv.yaml >own.yaml
}
struct 'weights, x, y, u32: k'
run "$pv" kernel check own.yaml
exits 1
says unwritten
struct 'u32: k, weights, u32: k, x, y'
refuses check own.yaml
warns "parameter 0 of 'own' has 32 bytes, 'struct' has 40"
sed -i 's/.align 8/.align 4/' own.ptx
struct 'weights, x, y, u32: k'
refuses check own.yaml
warns 'is aligned to 4 bytes'

# Launches one behind the other: the first one writes what the second one reads.
cat >two.ptx <<'PTX'
.version 8.0
.target sm_80
.address_size 64
.visible .entry copy(.param .u64 from, .param .u64 to, .param .u32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<5>;
  .reg .b64 %rd<6>;
  mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x;
  mad.lo.u32 %r1, %r2, 64, %r1;
  ld.param.u32 %r3, [n];
  setp.ge.u32 %p1, %r1, %r3;
  @%p1 ret;
  ld.param.u64 %rd1, [from]; ld.param.u64 %rd2, [to];
  mul.wide.u32 %rd3, %r1, 4;
  add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;
  ld.global.u32 %r4, [%rd4];
  st.global.u32 [%rd5], %r4;
  ret;
}
PTX
cat >two.yaml <<'YAML'
schema: pv/kernel/v1
file: q4k_gemv.ptx
entry: q4k_gemv
operation: q4_k_gemv
numerics: float32
allow: [contraction]
scratch: {copied: batch * k * 4}
parameters: [weights, copied, y, k, rows]
grid: [ceil_div(rows, 2), batch]
block: 64
before:
  - file: two.ptx
    entry: copy
    parameters: [x, copied, u32: batch * k]
    grid: [ceil_div(batch * k, 64)]
    block: 64
YAML
run "$pv" kernel check two.yaml
exits 0
says PASS
sed -i 's/u32: batch \* k\]/u32: batch * k - 1]/' two.yaml
run "$pv" kernel check two.yaml
exits 1
says 'uninitialised'
says '(copied, byte'

# A contract over it: the file that is named is what is judged.
mkdir -p "$work/contracts/examples"
cp -r "$root"/contracts/examples/kernel-example-v1.yaml "$example" "$work/contracts/examples"
run "$pv" validate "$work/contracts/examples/kernel-example-v1.yaml" --out "$work/reports" --json
exits 0
field "[(f['verdict'], f['compared'] > 1000) for f in d['falsifiers']]" "[('PASS', True)]"
sed -i 's/fma.rn.f32/mul.rn.f32/; s/\(mul.rn.f32.*\), %f[0-9]*;/\1;/' contracts/examples/kernels/q4k_gemv.ptx
run "$pv" validate "$work/contracts/examples/kernel-example-v1.yaml" --out "$work/reports" --json
exits 1
field "[f['verdict'] for f in d['falsifiers']]" "['FAIL']"
field "'of the PTX' in d['falsifiers'][0]['reason']" True
# Nothing of a third file, and nowhere else.
sed -i 's/on: ptx/on: cpu/' contracts/examples/kernel-example-v1.yaml
run "$pv" validate "$work/contracts/examples/kernel-example-v1.yaml" --out "$work/reports" --json
field "d['falsifiers'][0]['verdict'], 'runs on ptx or cuda' in d['falsifiers'][0]['reason']" 'ERROR True'

# A claim of an identity's bits allows nothing.
sed -e 's/numerics: .*/numerics: f32-f64acc/' -e '/^allow/d' q4k_gemv.yaml >identity.yaml
run "$pv" kernel check identity.yaml
exits 1
says 'f32-f64acc claims every bit'
sed -e 's/numerics: .*/numerics: i16/' q4k_gemv.yaml >identity.yaml
refuses check identity.yaml
warns 'i16 is an identity: it allows nothing'

if ! [ -e /dev/nvidiactl ]; then
  run "$pv" kernel check q4k_gemv.yaml --on cuda
  exits 3
  says 'NOT_RUN q4k_gemv as q4_k_gemv in float32 on cuda'
fi

finish
