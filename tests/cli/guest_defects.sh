#!/usr/bin/env bash
# A kernel of somebody else with one of eleven defects: each is found, in the right line of its source, and
# the sound one passes. The PTX beside guest/gemv.cu was made by guest/make.sh.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
folder=$here/guest

# line MARK: of the source that has this remark.
line() { grep -n -- "// mark $1\$" "$folder/gemv.cu" | cut -d: -f1; }
# defect NAME KIND MARK [WORDS]: fails, its first finding is of this kind in the line of the mark, and
# some finding says the words.
defect() {
  local descriptor=gemv.yaml
  [ "$1" = race ] && descriptor=race.yaml
  run "$pv" kernel check "$folder/$1.ptx" --descriptor "$folder/$descriptor" --json
  exits 1
  field "d['verdict'], d['findings'][0]['kind'], d['findings'][0]['place']['source_line']" \
    "FAIL $2 $(line "$3")"
  field "d['findings'][0]['place']['source'].endswith('gemv.cu'), d['findings'][0]['place']['line'] > 0" \
    'True True'
  field "any('''${4:-}''' in f['text'] for f in d['findings'])" True
}

run "$pv" kernel check "$folder/sound.ptx" --descriptor "$folder/gemv.yaml" --json
exits 0
field "d['verdict'], d['cases'] >= 12, d['compared'] > 1000, d['findings'], d['worst']['bounds'] < 1" \
  'PASS True True [] True'

defect sub_scale 'wrong weights' STORE 'weights 128..255 of each block of 256 are wrong: their scale'
defect min 'wrong weights' STORE 'weights 0..255 of each block of 256 are wrong: their minimum is left out'
defect tail 'wrong weights' STORE 'weights 512..767 of a row of 768 are wrong: they are taken as 0'
defect last 'wrong weights' STORE '1 of these, the first: weight 255 of row 0 is taken as'
defect guard 'out of bounds' GUARD 'byte 144 of 144'
defect stride 'out of bounds' IN '(x, byte'
defect barrier 'shared-memory race' PART 'no barrier lies between'
defect uninitialised 'uninitialised' PART 'nothing was ever written there'
defect race 'race in device memory' RACE
defect accumulator 'wrong weights' STORE 'weights 0..255 of each block of 256 are wrong: they are rounded'
defect reciprocal 'not allowed: approx' RECIPROCAL 'div.approx.f32'

finish
