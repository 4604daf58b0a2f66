#!/usr/bin/env bash
# pv judge over recorded runs: sound ones, ones with a defect in their numbers, ones that lack stages.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$(cd "$here/../.." && pwd)/models/tiny-coder-moe-Q4_K_M.gguf
ids=861,1644,198,17,5,3000,12,700

run "$pv" judge --help
exits 0
says 'Usage: pv judge SIDE'
for option in --as --explain --tolerance --json --model; do says " $option "; done

# sound SIDE IDENTITY: a trace of it that says so is explained.
record() { # SIDE NAME IDENTITY
  run "$pv" trace --side "$1" --model "$model" --ids "$ids" --out "$2"
  exits 0
  python3 - "$2" "$3" <<'PY'
import json, sys
path = sys.argv[1] + '/manifest.json'
d = json.load(open(path))
d['numerics'], d['backend'] = sys.argv[2], 'another engine'
json.dump(d, open(path, 'w'))
PY
  no_digests "$2"
}
record cpu:f32-f64acc sound float32
run "$pv" judge trace:sound --model "$model"
exits 0
says 'Every judged stage is what float32 explains: 279304 elements'
says 'moe_router_indices'
run "$pv" judge trace:sound --model "$model" --json
exits 0
field "d['schema'], d['identity'], d['judged'], d['outside'], d['first']" 'pv/judge/v1 float32 279304 0 None'
field "0 < d['worst']['ratio'] < 1 if d['worst'] else True" True
field "len(d['stages']), d['tensors_not_recorded'], d['tensors_without_inputs']" '80 0 0'

# Another identity than its own: the first stage is a product.
run "$pv" judge trace:sound --model "$model" --as ggml-cpu
exits 1
says 'Not what ggml-cpu explains.'
says 'First outside: q of layer 0, position 0'
says 'outside its limit, by a factor of'
run "$pv" judge trace:sound --model "$model" --as ggml
exits 2
warns "there is no identity 'ggml'"
warns 'any, float32, ggml-cpu, ggml-cuda, bfloat16'
run "$pv" judge trace:sound --model "$model" --explain
exits 0
says 'float32'
record cpu:i8 eight 'unknown to pv'
run "$pv" judge trace:eight --model "$model"
exits 0
says 'Every judged stage is what any explains'
run "$pv" judge trace:eight --model "$model" --explain
exits 0 # 8 bits explain it, none of the named functions does

# alter TRACE FILE CODE: numbers of a copy, by numpy's name for them.
alter() { # COPY FILE PYTHON
  cp -r sound "$1"
  python3 - "$1/$2" "$3" <<'PY'
import array, sys
path, code = sys.argv[1:]
kind = 'i' if 'indices' in path or 'argmax' in path else 'f'
x = array.array(kind)
x.frombytes(open(path, 'rb').read())
exec(code)
open(path, 'wb').write(x.tobytes())
PY
  run "$pv" judge "trace:$1" --model "$model"
}
alter product expert_gate.2.bin 'x[700] += 9'
exits 1
says 'First outside: expert_gate of layer 2, position 0, element 700'
run "$pv" judge trace:product --model "$model" --explain
exits 1
alter choice moe_router_indices.1.bin 'x[1] = x[0]'
exits 1
says 'First outside: moe_router_indices of layer 1, position 0, element 1: an expert that the row has already'
alter range moe_router_indices.1.bin 'x[2] = 999'
exits 1
says 'moe_router_indices of layer 1, position 0, element 2'
alter top argmax.bin 'x[3] = (x[3] + 1) % 4096'
exits 1
says 'First outside: argmax, position 3, element 0: a token that has not the largest of its own logits'
alter number ffn_norm.3.bin 'x[5] = float("nan")'
exits 1
says 'First outside: ffn_norm of layer 3, position 0, element 5: no number, where the operation has one'
# Experts in another order are the same experts, as long as all that goes by rank goes with them; not
# so where the weights stay behind.
cp -r sound ranks
python3 - ranks <<'PY'
import array, glob, os, sys
for path in glob.glob(sys.argv[1] + '/*.1.bin'):
    name = os.path.basename(path).split('.')[0]
    if not (name.startswith('expert_') or name in ('moe_router', 'moe_router_indices')): continue
    x = array.array('i' if 'indices' in name else 'f')
    x.frombytes(open(path, 'rb').read())
    row, ranks = len(x) // 8, 4
    part = row // ranks
    y = x[:]
    for p in range(8):
        for r in range(ranks):
            to, of = p * row + r * part, p * row + (ranks - 1 - r) * part
            y[to:to + part] = x[of:of + part]
    open(path, 'wb').write(y.tobytes())
PY
run "$pv" judge trace:ranks --model "$model"
exits 0
cp sound/moe_router.1.bin ranks/
run "$pv" judge trace:ranks --model "$model"
exits 1
says 'First outside: moe_router of layer 1, position 0, element 0: a weight that its own logits do not give for its own experts'
run "$pv" judge trace:product --model "$model" --tolerance 1e6
exits 0
run "$pv" judge trace:product --model "$model" --json
exits 1
field "d['first']['stage'], d['first']['layer'], d['first']['index']" 'expert_gate 2 700'

# What was not recorded is not judged, nor what is made of it.
cp -r sound part
python3 - part <<'PY'
import json, sys
path = sys.argv[1] + '/manifest.json'
d = json.load(open(path))
d['tensors'] = [t for t in d['tensors'] if t['stage'] not in ('attn_out', 'expert_swiglu')]
json.dump(d, open(path, 'w'))
PY
run "$pv" judge trace:part --model "$model"
exits 0
says 'attn_proj not judged: it or its inputs were not recorded'
says 'expert_down not judged'
run "$pv" judge trace:part --model "$model" --json
field "d['tensors_not_recorded'], d['tensors_without_inputs']" '8 8'
python3 - part <<'PY'
import json, sys
path = sys.argv[1] + '/manifest.json'
d = json.load(open(path))
d['tensors'] = [t for t in d['tensors'] if t['stage'] in ('q_rope', 'logits')]
json.dump(d, open(path, 'w'))
PY
run "$pv" judge trace:part --model "$model"
exits 3
says 'Nothing was judged'
run "$pv" judge --model "$model"
exits 2
warns 'name the side'
run "$pv" judge trace:nowhere --model "$model"
exits 2
run "$pv" judge trace:sound
exits 2
finish
