#!/usr/bin/env bash
# pv kernel check LIBRARY.so: the example, the same with each defect, and files that are no kernel.
# $3: the folder of the shared objects, $4: of the build.
source=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/cli/lib.sh
source "$(dirname "$0")/lib.sh"
kernels=$3
build=$4

check() { run "$pv" kernel check "$kernels/lib$1.so" "${@:2}"; }

check example
exits 0
says 'PASS libexample.so as q4_k_gemv in float32 on cpu: 14 cases, 1561 elements'
check example --json
exits 0
echo "$out" >told.json
field 'd["verdict"]' PASS
field 'd["runs"], d["compared"] > 1000, d["worst"]["bounds"] < 0.5, d["findings"]' '28 True True []'
check scale_bf16
exits 0
says 'PASS libscale_bf16.so as scale in float32 on cpu: 10 cases'
# docs/schema has what it tells.
here=$source/tests/cli
against json told.json
exits 0
# As a user builds it, from what is installed.
run cmake --install "$build" --prefix "$work/installed"
exits 0
run pkg-config --with-path="$work/installed/share/pkgconfig" --cflags pv-kernel
exits 0
read -ra flags <<<"$out"
run cc -shared -fPIC -O2 "${flags[@]}" "$source/examples/kernels/q4_k_gemv.c" -o mine.so -lm
exits 0
run "$pv" kernel check ./mine.so
exits 0
says 'PASS mine.so as q4_k_gemv'

cp "$kernels/libexample.so" plain.so # a name without a slash is a file here
run "$pv" kernel check plain.so
exits 0

# finding NAME KIND TEXT: it fails, by that.
finding() {
  check "$1" --json
  exits 1
  field 'd["verdict"]' FAIL
  field "any(f['kind'] == '$2' and '$3' in f['text'] for f in d['findings'])" True
}
finding one_too_far 'out of bounds' 'it writes byte 4 of y, whose 1 rows have 4 bytes each'
field 'd["cases_wrong"], d["cases"]' '14 14'
finding no_tail 'wrong value' 'it must be'
finding rows_in_fours unwritten 'nobody wrote y[0][0] of [1][1]'
finding crash crash 'it writes memory that is none of its tensors'
finding ends_itself crash 'it was ended by a signal: Aborted'
finding hang hang 'it did not end within 5 s'
field 'd["cases"]' 1 # nothing after it
finding input_written 'input written' 'it writes byte 0 of x'
finding counts_calls 'not the same twice' 'in a second run'
finding ignores_strides 'out of bounds' 'where rows are 64 bytes apart'
finding exit_code exit 'it ended the process with exit code 0'
finding flood flood 'it wrote more to descriptor 3'
finding reads_too_far 'out of bounds' 'it reads byte 1024 of x'
finding short_sum 'wrong value' 'it must be'
finding returns_seven failed 'pv_kernel_run returned 7'
finding claims_i16 'wrong value' 'it must be'
check no_tail
exits 1
says 'FAIL libno_tail.so as q4_k_gemv in float32 on cpu: 14 cases'
says 'wrong value, in 11 cases'

check forks
exits 0
same "$(pgrep -c -f "library $kernels/libforks.so")" 0 'processes left behind'
check takes_nothing
exits 3
says 'NOT_RUN libtakes_nothing.so'
says 'not judged: no element was compared'

# refused NAME TEXT: no verdict.
refused() {
  check "$1"
  exits 2
  warns "$2"
}
refused other_abi 'it is made for another version of pv_kernel.h'
refused other_operation "there is no operation 'q4_k_gem'"
refused other_numerics "there are no numerics 'float33'"
refused other_formats "q4_k_gemv has no such format: 'x=q9'"
refused constructor_exits 'loading it ends the process'
refused nothing_here 'it is no shared object of this machine'
printf 'no library' >text.so
run "$pv" kernel check ./text.so
exits 2
warns "'./text.so' is no kernel: it is no shared object of this machine"
run "$pv" kernel check "$(ldconfig -p | awk '/libm\.so\.6/ { print $NF; exit }')"
exits 2
warns 'it has no pv_kernel_about or no pv_kernel_run'
for option in --type --as --on --k --descriptor; do
  check example $option 7
  exits 2
  warns 'a shared object says itself what it stands for'
done

same "$(find . -newer text.so -type f ! -name '.out' ! -name '.err' | grep -cv git)" 0 'files left behind'
finish
