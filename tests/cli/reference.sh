#!/usr/bin/env bash
# A reference is made of what somebody else computed: of a trace, of logits in a safetensors file, or
# of prompts alone. What is wrong with either is one error.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
run "$pv" synth --arch qwen3 --layers 1 --context 64 --vocab 258 --hidden 256 --heads 2 --kv-heads 1 --ffn 256 --out m.gguf
exits 0
build() { run "$pv" reference build "$@" --model m.gguf --out made.reference; }
# refused TEXT WORD...: one error, and no file.
refused() {
  local text=$1
  shift
  rm -f made.reference
  build "$@"
  exits 2
  warns "$text"
  same "$(grep -c 'error:' <<<"$err")" 1 "$call: errors"
  if [ -e made.reference ]; then bad "$call: a file was written"; else ok; fi
}
judged() {
  run "$pv" validate --model m.gguf --reference made.reference --backend cpu --only AC_MODEL_009 --json --out out
  field '[(c["verdict"]) for c in d["criteria"] if c["id"] == "AC_MODEL_009"]' "$1"
}

# What pv itself recorded, in a folder.
run "$pv" trace --model m.gguf --ids 5,17,200,3 --side f64 --stage logits --out own
exits 0
build trace:own --json
exits 0
field 'd["schema"], d["vocabulary"], len(d["prompts"])' 'pv/reference-build/v1 258 1'
field 'd["prompts"][0]["name"], d["prompts"][0]["tokens"], d["prompts"][0]["logits"]' 'own 4 True'
judged "['PASS']"
run "$pv" compare cpu:i16 cpu:i16 --model m.gguf --reference made.reference
exits 0

# The same logits as another program writes them, and with a defect each.
cat >make.py <<'PY'
import json, struct, sys
d = json.load(open('own/manifest.json'))
t = [x for x in d['tensors'] if x['stage'] == 'logits'][0]
size, code = (8, 'd') if t['dtype'] == 'f64' else (4, 'f')
data = open('own/' + t['file'], 'rb').read()
rows = [list(struct.unpack_from('<258' + code, data, 258 * size * i)) for i in range(4)]
def write(name, rows, width=258, ids='5,17,200,3', tensor='logits'):
    blob = b''.join(struct.pack('<%df' % width, *r[:width]) for r in rows)
    head = {tensor: {'dtype': 'F32', 'shape': [1, len(rows), width], 'data_offsets': [0, len(blob)]}}
    head['__metadata__'] = {'engine': 'transformers', 'version': '4'}
    if ids: head['__metadata__']['ids'] = ids
    text = json.dumps(head).encode()
    open(name + '.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + blob)
def but(value):
    out = [list(r) for r in rows]
    out[2][9] = value
    return out
write('hf', rows)
write('without-ids', rows, ids=None)
write('swapped', [rows[0], rows[1], rows[2], rows[2][::-1]])
write('nan', but(float('nan')))
write('inf', but(float('inf')))
write('large', but(7e4))
write('narrow', rows, width=257)
write('short', rows[:3])
write('other-ids', rows, ids='5,17,200,258')
write('elsewhere', rows, tensor='logits@1')
write('hidden', rows, width=256, tensor='final_norm')
PY
python3 make.py || bad 'no files were made'
build hf.safetensors
exits 0
says 'hf: 4 tokens, with logits of transformers 4'
judged "['PASS']"
build hf.safetensors own --json
exits 0
field '[p["name"] for p in d["prompts"]]' "['hf', 'own']"
build without-ids.safetensors --ids 5,17,200,3 --name other
exits 0
says 'other: 4 tokens'
build swapped.safetensors
exits 0
judged "['FAIL']"
refused 'does not say of which tokens it is' without-ids.safetensors
refused 'is of other tokens than those that are named' hf.safetensors --ids 5,17,200,4
refused 'the logit of token 9 at position 2 is nan' nan.safetensors
refused 'the logit of token 9 at position 2 is inf' inf.safetensors
refused 'the logit of token 9 at position 2 is 70000' large.safetensors
refused '257' narrow.safetensors
refused 'has logits of the positions 0 to 2, of 4 tokens' short.safetensors
refused '258' other-ids.safetensors
refused 'positions' elsewhere.safetensors
refused 'has no logits' hidden.safetensors
refused "cannot open" nowhere.safetensors
refused "two prompts would be named 'hf'" hf.safetensors hf.safetensors
refused "'a b' is no name of a prompt" hf.safetensors --name 'a b'
refused 'there is nothing to make a reference of'
refused '65' --ids "$(seq -s , 65)"

# Prompts alone: of a long one its beginnings too, for what looks at short prompts.
build --ids "$(seq -s , 40)" --name mine --json
exits 0
field '[(p["name"], p["tokens"], p["logits"]) for p in d["prompts"]]' "[('mine-16', 16, False), ('mine-32', 32, False), ('mine', 40, False)]"
yes 'some text' | head -100 >long.txt
build --text long.txt --cut
exits 0
warns 'the first 64 are taken'
run "$pv" reference make
exits 2
warns 'pv reference has one verb, build'
finish
