#!/usr/bin/env bash
# A model in several files: any part names it, it computes the bits of the whole file, it has one digest; and what is
# wrong with a set is one error with the file and the cure. $3 is pv-probe.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
whole=$root/models/tiny-coder-moe-Q4_K_M.gguf
ids=861,1644,198

# fresh COUNT...: the set t-0000?-of-0000N.gguf, with so many tensors in all parts but the last.
fresh() { rm -rf t-*.gguf && python3 "$here/split.py" "$whole" t "$@" || bad 'no parts'; }

fresh 0 10 30 # the first has no tensor, as with --no-tensor-first-split
digest=$(cat t-*.gguf | sha256sum | cut -c1-64)
run "$pv" trace --model "$whole" --ids $ids --out whole
exits 0
for part in 1 2 3 4; do
  run "$pv" trace --model "t-0000$part-of-00004.gguf" --ids $ids --out "split$part"
  exits 0
  same "$(for f in whole/*.bin; do cmp "$f" "split$part/${f#whole/}" || echo differs; done)" '' "stages of part $part"
  same "$(python3 -c "import json; print(json.load(open('split$part/manifest.json'))['model_sha256'])")" "$digest" \
    "digest of part $part"
done
run "$pv" compare trace:split1 trace:split4
exits 0
run "$pv" compare trace:split2 scalar:i16 --model t-00003-of-00004.gguf
exits 0
says '80 tensors, 104739 elements compared, 0 differ'
run "$pv" compare trace:split2 cpu:i16 --model "$whole" # another file is another model
exits 2
warns 'the trace is of another model'
run "$pv" tensors t-00004-of-00004.gguf
exits 0
says "$(cat t-*.gguf | wc -c) bytes"
says 'parts: 4'
run "$pv" tensors t-00002-of-00004.gguf --json
field "[(p['file'], p['tensors']) for p in d['parts']]" \
  "[('t-00001-of-00004.gguf', 0), ('t-00002-of-00004.gguf', 10), ('t-00003-of-00004.gguf', 30), ('t-00004-of-00004.gguf', 11)]"
field "sorted({(t['name'], t['part']) for t in d['tensors'] if t['name'] in ('token_embd.weight', 'output_norm.weight')})" \
  "[('output_norm.weight', 2), ('token_embd.weight', 2)]"

# A whole contract, whose checks damage copies of the files too; the reference lies beside it under the model's name.
cp "$root/models/tiny-coder-moe.reference" t.reference
cp "$root"/contracts/*.yaml contracts/
mkdir -p reports && cp -r "$root/reports/published" reports/published
for part in 1 4; do
  run "$pv" validate contracts/tensor-names-v1.yaml --model "t-0000$part-of-00004.gguf" --json
  field "d['model']['sha256'], d['summary']['falsified'], d['summary']['error']" "$digest 0 0"
  field "[c['verdict'] for c in d['criteria'] if c['verdict'] != 'PASS']" '[]'
done
# Names that link into a cache, as a download leaves them.
mkdir -p blobs cache
for f in t-*.gguf; do mv "$f" "blobs/${f:2:5}" && ln -s "../blobs/${f:2:5}" "cache/$f"; done
run "$pv" validate contracts/tensor-names-v1.yaml --model cache/t-00003-of-00004.gguf --json
field "d['model']['sha256'], d['summary']['falsified']" "$digest 0"
run "$pv" tensors blobs/00003
exits 2
warns 'blobs/00003: error: the file is part 3 of 4 of a model, and by its name it is none'
warns 'NAME-00003-of-00004.gguf'

# An engine opens the first part, whichever was named.
cat >engine <<'SH'
#!/bin/sh
echo "$@" >&2
exit 3
SH
chmod +x engine
fresh 20
run "$pv" judge engine:./engine --model t-00002-of-00002.gguf --ids $ids
exits 2
warns '--model t-00001-of-00002.gguf'

# refused NAMED FILE WORDS CURE: one error, at FILE, wherever a model is named.
refused() {
  local command
  for command in "tensors $1" "run --ids 1 --tokens 1 --model $1" "trace --ids 1 --out never --model $1"; do
    # shellcheck disable=SC2086 # words
    run "$pv" $command
    exits 2
    warns "$2: error: $3"
    warns "$4"
    same "$(grep -c error: <<<"$err")" 1 "errors of $call"
  done
}
again='copy or download'
fresh 20 20
rm t-00002-of-00003.gguf
refused t-00003-of-00003.gguf t-00002-of-00003.gguf '1 of the 3 parts of the model is missing' "$again"
cp t-00003-of-00003.gguf t-00002-of-00003.gguf
refused t-00001-of-00003.gguf t-00002-of-00003.gguf \
  'the file stands for part 2 of 3 of a model, and says that it is part 3 of 3' "$again"
fresh 21 20 # its second part has 20 tensors too, the last of them that with which another third begins
mv t-00002-of-00003.gguf kept
fresh 20 20 && mv kept t-00002-of-00003.gguf
refused t-00001-of-00003.gguf t-00003-of-00003.gguf "tensor 'blk.3.ffn_norm.weight' is also in an earlier part" "$again"
fresh 20 20 # a part of another model, with as many tensors of the same names
"$pv" synth --ffn 512 --out other.gguf --no-sync >/dev/null || bad 'no other model'
python3 "$here/split.py" other.gguf o 20 20 && mv o-00002-of-00003.gguf t-00002-of-00003.gguf
run "$pv" run --ids 1 --tokens 1 --model t-00003-of-00003.gguf
exits 2
warns "t-00002-of-00003.gguf: error: tensor 'blk.1.ffn_gate_exps.weight' is [256, 512, 16]"
warns 'the part may be of another model'
run "$pv" tensors t-00003-of-00003.gguf # the set is one, and no model
exits 0
says "not computed: tensor 'blk.1.ffn_gate_exps.weight' is [256, 512, 16]"

# What is no part at all, under a part's name.
fresh 20 20
head -c 700 t-00003-of-00003.gguf >cut && mv cut t-00003-of-00003.gguf
refused t-00001-of-00003.gguf t-00003-of-00003.gguf 'the file of 700 bytes ends inside' 'copy or download'
rm t-00003-of-00003.gguf && mkdir t-00003-of-00003.gguf
refused t-00001-of-00003.gguf t-00003-of-00003.gguf "'t-00003-of-00003.gguf' is not a regular file" 'it is part 3 of 3'
rmdir t-00003-of-00003.gguf && ln -s /dev/zero t-00003-of-00003.gguf
refused t-00001-of-00003.gguf t-00003-of-00003.gguf "'t-00003-of-00003.gguf' is not a regular file" 'it is part 3 of 3'
cp "$whole" w-00001-of-00002.gguf
refused w-00001-of-00002.gguf w-00001-of-00002.gguf 'by its name the file is part 1 of 2 of a model' 'rename it'
finish
