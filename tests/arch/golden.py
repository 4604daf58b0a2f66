#!/usr/bin/env python3
"""A model file against golden outputs that pv did not make.

usage: golden.py PV MODEL.gguf GOLDEN.npz same|near

GOLDEN.npz holds, for each prompt P of p7 and p23: P_ids, P_logits, P_hidden (after the embedding and
after each layer) and, where there are experts, P_experts, all in float64. `same`: the golden's
weights are the file's, value by value, and float64 agrees to 1e-9 of the largest. `near`: its
hidden states are float32.

Then i16 against float64: the same top token, the same experts but where the choice is closer than
the error of the logits, and logits with a cosine of at least 0.9999999.
"""
import array, ast, json, math, os, subprocess, sys, tempfile, zipfile

COSINE = 0.9999999
problems = []


def load(path):
    """name: (shape, numbers) of each array of an npz file."""
    kinds = {'<f8': 'd', '<f4': 'f', '<i4': 'i'}
    out = {}
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            data = z.read(name)
            length = int.from_bytes(data[8:10], 'little')
            head = ast.literal_eval(data[10:10 + length].decode())
            assert data[:8] == b'\x93NUMPY\x01\x00' and not head['fortran_order'], name
            numbers = array.array(kinds[head['descr']])
            numbers.frombytes(data[10 + length:])
            out[name[:-4]] = (head['shape'], numbers)
    return out


def trace(pv, model, ids, side):
    """stage or stage.layer: its numbers, and how many there are in a row."""
    with tempfile.TemporaryDirectory() as folder:
        to = folder + '/t'
        done = subprocess.run([pv, 'trace', '--model', model, '--side', side, '--threads', '2',
                               '--ids', ','.join(map(str, ids)), '--out', to],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit('%s: %s' % (model, done.stderr))
        out = {}
        for t in json.load(open(to + '/manifest.json'))['tensors']:
            numbers = array.array({'f64': 'd', 'f32': 'f', 'i32': 'i'}[t['dtype']])
            with open(os.path.join(to, t['file']), 'rb') as f:
                numbers.frombytes(f.read())
            name = t['stage'] + ('.%d' % t['layer'] if 'layer' in t else '')
            out[name] = (numbers, t['shape'][1])
        return out


def differ(what, got, want, bound):
    """The largest difference, beside the largest number."""
    if len(got) != len(want):
        return problems.append('%s: %d numbers, want %d' % (what, len(got), len(want)))
    top = max(map(abs, want))
    worst = max(abs(a - b) for a, b in zip(got, want)) / top
    if not worst <= bound:
        problems.append('%s: off by %.2g of the largest, want %.2g' % (what, worst, bound))
    return worst


def cosine(a, b):
    dot, aa, bb = (math.fsum(x * y for x, y in zip(p, q)) for p, q in ((a, b), (a, a), (b, b)))
    return dot / math.sqrt(aa * bb)


def row(of, position):
    numbers, width = of
    return numbers[position * width:(position + 1) * width]


def layers_of(t):
    return sum(name.startswith('ffn_residual.') for name in t)


def compare(what, t, golden, prompt, bound):
    layers, count = layers_of(t), len(golden[prompt + '_ids'][1])
    worst = differ(what + ' logits', t['logits'][0], golden[prompt + '_logits'][1], bound[0])
    hidden = golden[prompt + '_hidden'][1]
    size = len(hidden) // (layers + 1)
    for state in range(layers + 1):
        stage = 'embedding' if state == 0 else 'ffn_residual.%d' % (state - 1)
        differ(what + ' ' + stage, t[stage][0], hidden[state * size:(state + 1) * size], bound[1])
    if prompt + '_experts' not in golden:
        return worst
    (_, _, used), experts = golden[prompt + '_experts']
    for layer in range(layers):
        for p in range(count):
            at = (layer * count + p) * used
            got = set(row(t['moe_router_indices.%d' % layer], p))
            if got != set(experts[at:at + used]):
                problems.append('%s: other experts in layer %d, position %d' % (what, layer, p))
    return worst


def fixed(what, exact, side, count):
    """i16 beside float64: the smallest cosine. A position after another choice is not judged."""
    layers, low, logits = layers_of(exact), 1.0, 'moe_router_bias'
    if logits + '.0' not in exact:
        logits = 'moe_router_logits'
    for p in range(count):
        for layer in range(layers if logits + '.0' in exact else 0):
            chosen = [set(row(t['moe_router_indices.%d' % layer], p)) for t in (exact, side)]
            if chosen[0] == chosen[1]:
                continue
            x, y = (row(t['%s.%d' % (logits, layer)], p) for t in (exact, side))
            error = max(abs(a - b) for a, b in zip(x, y))
            order = sorted(x, reverse=True)
            if order[len(chosen[0]) - 1] - order[len(chosen[0])] > 2 * error:
                problems.append('%s: other experts in layer %d, position %d' % (what, layer, p))
            else:
                print('  %s: a choice within the error in layer %d, position %d; not judged behind it'
                      % (what, layer, p))
            return low
        if row(exact['argmax'], p) != row(side['argmax'], p):
            problems.append('%s: another top token at position %d' % (what, p))
        low = min(low, cosine(row(exact['logits'], p), row(side['logits'], p)))
    if not low >= COSINE:
        problems.append('%s: cosine %.9f, want %.9f' % (what, low, COSINE))
    return low


def main(pv, model, path, kind):
    golden = load(path)
    bound = {'same': (1e-9, 1e-9), 'near': (1e-9, 1e-6)}[kind]
    worst, low = 0.0, 1.0
    for prompt in ('p7', 'p23'):
        ids = golden[prompt + '_ids'][1]
        exact = trace(pv, model, ids, 'f64')
        worst = max(worst, compare(prompt + ' f64', exact, golden, prompt, bound) or math.inf)
        low = min(low, fixed(prompt + ' i16', exact, trace(pv, model, ids, 'cpu'), len(ids)))
    print('%-24s float64 %.1e of the largest from the golden, i16 1 - %.1e from float64'
          % (os.path.basename(model), worst, 1 - low))
    for words in problems:
        print('FAILED %s: %s' % (os.path.basename(model), words))
    return 1 if problems else 0


if __name__ == '__main__':
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
