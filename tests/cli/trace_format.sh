#!/usr/bin/env bash
# docs/trace-format.md as commands: its writer is run word by word, and the same rows are read from
# both versions of a folder, from a safetensors file, under an engine's own names and by digests alone.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
model=$root/models/tiny-coder-moe-Q4_K_M.gguf
map=$root/engines/llama.cpp/map.json

run "$pv" trace --model "$model" --ids 861,1644,198 --side cpu:f32-f64acc --out whole
exits 0
same "$(python3 -c "import json; d=json.load(open('whole/manifest.json')); print(d['schema'], d['engine'], d['backend'], d['tensors'][1]['dtype'], len(d['tensors'][1]['sha256']))")" \
  'pv/trace/v2 pv cpu f32 64' 'the manifest'

# The writer of the page: it copies the trace, as an engine of another name.
awk '/^## A writer in Python/ { on = 1; next } /^## / { on = 0 } on && /^    / { print substr($0, 5) }' \
  "$root/docs/trace-format.md" >writer.py
same "$(grep -c 'class Trace' writer.py)" 1 'the page has a writer'
cat >copy.py <<'PY'
import array, json, sys
from writer import Trace
d = json.load(open('whole/manifest.json'))
t = Trace('copied', 'another', [int(i) for i in d['ids'].split(',')], sys.argv[1], 'float32', threads=3)
for x in d['tensors']:
    a = array.array('i' if x['dtype'] == 'i32' else 'f', open('whole/' + x['file'], 'rb').read())
    rows, width = x['shape']
    table = [a[r * width:(r + 1) * width].tolist() for r in range(rows)]
    if x['stage'] == 'logits':
        t.put(x['stage'], None, table[2:], position=2)  # the last row alone
    else:
        t.put(x['stage'], x.get('layer'), table[:1])
        t.put(x['stage'], x.get('layer'), table[1:], position=1)
t.close()
PY
run python3 copy.py "$model"
exits 0
run "$pv" judge trace:copied --model "$model"
exits 0
says 'Every judged stage is what float32 explains: '
run "$pv" compare trace:whole trace:copied --different
exits 3 # two identities, by their names
says '80 tensors, 96547 elements compared, 0 differ'
says 'of tensors of both 2 rows only on the left, 0 only on the right'
run "$pv" compare trace:copied trace:whole --json
field "d['rows_only_left'], d['rows_only_right'], d['different'], d['compared']" '0 2 0 96547'
run "$pv" bisect trace:copied f64 --model "$model" --json
field "[s['stage'] for s in d['sides'][0]['not_recorded']]" "['logits']"

# other KIND: whole, as another container or under other names.
cat >other.py <<'PY'
import array, json, os, shutil, struct, sys
kind = sys.argv[1]
d = json.load(open('whole/manifest.json'))
def bytes_of(t): return open('whole/' + t['file'], 'rb').read()
if kind == 'v1':
    shutil.copytree('whole', 'v1')
    d['schema'] = 'pv/trace/v1'
    for t in d['tensors']:
        t['dtype'] += 'le'
        t.setdefault('layer', None)
        del t['sha256']
elif kind == 'nodes':
    shutil.copytree('whole', 'nodes')
    names = {v: k for k, v in json.load(open(sys.argv[2]))['nodes'].items()}
    d.update(engine='llama.cpp', version='11434', configuration={'flash': 'on', 'ubatch': '512'})
    del d['backend']
    for t in d['tensors']:
        stage = t.pop('stage')
        name = names.get(stage, stage + '_?-{layer}')
        t['node'] = name.replace('{layer}', str(t.pop('layer', 0)))
elif kind == 'one.safetensors':
    header, body = {'__metadata__': {k: v for k, v in d.items() if isinstance(v, str)}}, b''
    for t in d['tensors']:
        raw, wide = bytes_of(t), t['dtype'] == 'i32'
        if wide: raw = array.array('q', array.array('i', raw)).tobytes()
        name = t['stage'] + ('.%d' % t['layer'] if 'layer' in t else '')
        header[name] = {'dtype': 'I64' if wide else 'F32', 'shape': [1] + t['shape'],
                        'data_offsets': [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    open(kind, 'wb').write(struct.pack('<Q', len(text)) + text + body)
    sys.exit()
json.dump(d, open(kind + '/manifest.json', 'w'))
PY
for kind in v1 one.safetensors; do
  run python3 other.py "$kind"
  exits 0
  run "$pv" compare "trace:$kind" trace:whole --different
  exits 0
  says '80 tensors, 104739 elements compared, 0 differ'
  run "$pv" compare "trace:$kind" cpu:f32-f64acc --model "$model" --different
  exits 0
  run "$pv" judge "trace:$kind" --model "$model" --as float32
  exits 0
  says '104739 elements'
done

# Names of an engine's own.
run python3 other.py nodes "$map"
run "$pv" judge trace:nodes --model "$model" --as float32
exits 2
warns "nodes/manifest.json: error: tensor 'embd' has a name that is no stage's"
warns 'name a file with --map that says which stage it is'
run "$pv" judge trace:nodes --model "$model" --as float32 --map "$map"
exits 0
says '75552 elements'
run "$pv" compare trace:whole trace:nodes --map "$map" --different
exits 1
says '51 tensors, 78624 elements compared, 0 differ'
says '29 tensors only on the left, 0 only on the right'
says '29 recorded nodes on the right are none that the map names'
run "$pv" compare trace:nodes trace:nodes --map "$map" --different
exits 0
run "$pv" bisect trace:nodes cpu:f32-f64acc --model "$model" --map "$map"
exits 0
says 'the left side was recorded; computed by llama.cpp 11434 (flash on, ubatch 512); 29 nodes are none that the map names'
sed 's/"result_norm": "final_norm"/"result_norm": "logits"/' "$map" >twice.json
run "$pv" compare trace:nodes trace:nodes --map twice.json
exits 2
warns "twice.json: error: node 'result_output' is mapped to 'logits', as 'result_norm' is"
run "$pv" compare cpu:i16 cpu:i16 --model "$model" --ids 1 --map "$map"
exits 2
warns '--map is of the nodes of a trace, and no side is one'

# Digests alone: what is equal, and where first not.
hashes() { # NAME SIDE
  run "$pv" trace --hashes --side "$2" --model "$model" --ids 861,1644,198 --out "$1"
  exits 0
  same "$(ls "$1")" manifest.json 'digests alone'
}
hashes same cpu:f32-f64acc
hashes wrong cpu:f32-f64acc@wrong_head_group:layer=2
hashes function cpu:i16
run "$pv" compare trace:whole trace:same
exits 0
says 'by SHA-256, since a trace lacks numbers: 80 tensors equal, 0 different'
run "$pv" compare trace:same trace:wrong
exits 1
says 'attn_out of layer 2 differs'
says '45 tensors equal, 35 different, the first attn_out of layer 2'
run "$pv" compare trace:same trace:wrong --json --stage q,attn_out
exits 1
field "d['by'], d['tensors_equal'], d['tensors_different'], d['first'], d['verdict'], len(d['tensors'])" \
  "sha256 5 3 {'stage': 'attn_out', 'layer': 2} different 8"
run "$pv" compare trace:same trace:function
exits 3
says 'INCOMPARABLE: the two sides compute different functions'
run "$pv" compare trace:copied trace:same --json
exits 3
field "d['verdict'], d['reason']" \
  'incomparable embedding is cut or typed in two ways, so its digests tell nothing'
# A manifest without the files that it names is as good, but for numbers.
mkdir alone
cp whole/manifest.json alone
run "$pv" compare trace:alone trace:whole
exits 0
says '80 tensors equal'
run "$pv" judge trace:alone --model "$model"
exits 2
warns 'cannot open a tensor of the trace'
run "$pv" judge trace:same --model "$model"
exits 2
warns 'the trace has digests alone, and no numbers'

# Bytes that are not those of the digest.
cp -r whole changed
printf x | dd of=changed/q.1.bin bs=1 seek=99 conv=notrunc status=none
run "$pv" judge trace:changed --model "$model" --as float32
exits 2
warns 'changed/q.1.bin: error: the bytes of q.1 are not those that the trace names: their SHA-256 begins with'
run "$pv" compare trace:changed trace:same
exits 2
run "$pv" compare trace:changed trace:whole --different # bit by bit, which is no trust in a digest
exits 1
says '80 tensors, 104739 elements compared, 1 differ'
# A header that lies.
head -c 4000 one.safetensors >cut.safetensors
run "$pv" judge trace:cut.safetensors --model "$model"
exits 2
warns 'cut.safetensors: error: is no safetensors file: it begins with a header of'
head -c 100000 one.safetensors >cut.safetensors
run "$pv" judge trace:cut.safetensors --model "$model"
exits 2
warns "cut.safetensors: error: tensor 'ffn_residual.0' lies in bytes 90960 to 94032 of 9"
warns '(at byte 98'
finish
