#!/usr/bin/env bash
# pv spirv check over files, and over the shaders of the build where there are any.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
corpus=$here/../fuzz/corpus/spirv

run "$pv" spirv check "$corpus/sound"
exits 0
says 'PASS: 0 against, in 17 instructions, 1 of floats, of 1 shader'
run "$pv" spirv check "$corpus/contracted"
exits 1
says 'in main: no_contraction: OpFMul %10 is not decorated NoContraction'
says 'chosen_form: OpFDiv %10 of 32 bits may be 2.5 ulp off'
says 'FAIL: 3 against'
run "$pv" spirv check "$corpus/unordered" --json
exits 1
field "d['verdict'], [f['rule'] for f in d['modules'][0]['findings']]" \
  "FAIL ['stated_order', 'stated_order', 'no_float_atomics', 'no_approximation']"
run "$pv" spirv check "$corpus/decorated" --json
field "sorted({f['rule'] for f in d['modules'][0]['findings']})" "['known', 'modes', 'no_relaxed']"

run "$pv" spirv --help
exits 0
says 'Usage: pv spirv check WHAT'

# What can not be read has no verdict, and its place is told.
refuses() {
  run "$pv" spirv "${@:2}"
  exits 2
  warns "$1"
  silent PASS
}
refuses 'spirv needs check'
refuses 'spirv needs check' list
refuses 'check needs a file, a shader or all' check
refuses "cannot open 'nothing.spv'" check nothing.spv
refuses 'cannot open' check proof@nothing
refuses 'did you mean --json?' check all --jso
head -c 100 "$corpus/sound" >cut.spv
refuses 'cut.spv: error: no SPIR-V that can be read: an instruction is cut off (at byte' check cut.spv
refuses 'it ends within a word' check "$corpus/odd"
printf 'text of a shader, not its words' >text.comp
refuses 'it does not begin with 0x07230203' check text.comp

# The shaders of this build: sound ones, and those whose defect the rules can see.
run "$pv" spirv check all
if [ "$code" -eq 3 ]; then
  says 'NOT_RUN: this build has no shaders'
else
  exits 0
  for fault in contracted:no_contraction fma_of_device:no_fma division_loose:chosen_form root_loose:no_approximation; do
    run "$pv" spirv check "proof@${fault%:*}" --json
    exits 1
    field "d['modules'][0]['findings'][0]['rule']" "${fault#*:}"
  done
fi
finish
