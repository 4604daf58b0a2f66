#!/usr/bin/env python3
"""Plants defects of other engines: in a recorded trace, or in the file that an engine reads.

    planted.py trace KIND LAYER MODEL TRACE OUT   OUT: TRACE with the defect in one layer
    planted.py file KIND LAYER MODEL OUT          OUT: MODEL so that a sound engine has the defect
    planted.py owner MODEL TRACE                  the trace is of MODEL, whatever file the engine read

A stage with a defect is what the defect makes of the stage's own recorded inputs: formulas and block
formats are written here once more, apart from pv's own.
"""
import array
import hashlib
import json
import math
import operator
import os
import shutil
import struct
import sys

F32, Q8_0, Q4_K, Q5_K, Q6_K = 0, 8, 12, 13, 14
BLOCK = {F32: (1, 4), Q8_0: (32, 34), Q4_K: (256, 144), Q5_K: (256, 176), Q6_K: (256, 210)}
# Bytes of a block that hold the highest bits, and what is left of them.
HIGH_BITS = {Q8_0: (2, 32, 0xbf), Q4_K: (16, 128, 0x77), Q5_K: (16, 32, 0), Q6_K: (128, 64, 0x55)}
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9


def f32(x):
    return struct.unpack('<f', struct.pack('<f', x))[0]


def f16(x):
    return struct.unpack('<e', struct.pack('<e', x))[0]


class Model:
    """A GGUF file: where each value and each tensor lies."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = bytearray(f.read())
        self.at, self.keys, self.tensors = 8, {}, {}
        tensors, keys = self.take('<QQ')
        for _ in range(keys):
            name, (kind,) = self.text(), self.take('<I')
            self.keys[name] = self.at, kind
            self.skip(kind)
        for _ in range(tensors):
            name, (count,) = self.text(), self.take('<I')
            dims = self.take('<%dQ' % count)
            kind, offset = self.take('<IQ')
            self.tensors[name] = [kind, dims, offset]
        align = self.value('general.alignment', 32)
        start = (self.at + align - 1) // align * align
        for t in self.tensors.values():
            t[2] += start
        self.arch = self.value('general.architecture')

    def take(self, form):
        out = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return out

    def text(self):
        (length,) = self.take('<Q')
        self.at += length
        return bytes(self.data[self.at - length:self.at]).decode()

    def skip(self, kind):
        if kind == STRING:
            self.text()
        elif kind == ARRAY:
            of, count = self.take('<IQ')
            for _ in range(count):
                self.skip(of)
        else:
            self.at += SIZES[kind]

    def value(self, key, missing=None):
        if key not in self.keys:
            return missing
        back, (self.at, kind) = self.at, self.keys[key]
        out = self.text() if kind == STRING else self.take({4: '<I', 6: '<f'}[kind])[0]
        self.at = back
        return out

    def own(self, key):
        return self.value(self.arch + '.' + key)

    def set_own(self, key, value):
        at, kind = self.keys[self.arch + '.' + key]
        struct.pack_into({4: '<I', 6: '<f'}[kind], self.data, at, value)

    def exchange(self, a, b):
        """Two tensors of one shape: each has the other's numbers."""
        if self.tensors[a][:2] != self.tensors[b][:2]:
            raise SystemExit(f'{a} and {b} are not of one shape and type')
        (x, length), (y, _) = self.span(a), self.span(b)
        one, other = self.data[x:x + length], self.data[y:y + length]
        self.data[x:x + length], self.data[y:y + length] = other, one

    def span(self, name):
        kind, dims, offset = self.tensors[name]
        elements, size = BLOCK[kind]
        return offset, math.prod(dims) // elements * size

    def row_span(self, name, row):
        kind, dims, offset = self.tensors[name]
        elements, size = BLOCK[kind]
        length = dims[0] // elements * size
        return kind, offset + row * length, length

    def rows_of(self, name):
        return math.prod(self.tensors[name][1][1:])

    def row(self, name, row, twist=lambda kind, data: None):
        kind, at, length = self.row_span(name, row)
        data = self.data[at:at + length]
        twist(kind, data)
        return decode(kind, data)

    def twist(self, name, twist):
        """The bytes of every row of a tensor."""
        for r in range(self.rows_of(name)):
            kind, at, length = self.row_span(name, r)
            row = self.data[at:at + length]
            twist(kind, row)
            self.data[at:at + length] = row


def k4_scales(p):
    low = [(p[j] & 63, p[j + 4] & 63) for j in range(4)]
    return low + [(p[j + 8] & 15 | p[j] >> 6 << 4, p[j + 8] >> 4 | p[j + 4] >> 6 << 4) for j in range(4)]


def pack_k4(scales):
    out = bytearray(12)
    for j in range(4):
        (sc, m), (high, high_m) = scales[j], scales[j + 4]
        out[j], out[j + 4] = sc | high >> 4 << 6, m | high_m >> 4 << 6
        out[j + 8] = high & 15 | (high_m & 15) << 4
    return out


def decode(kind, data):
    out = []
    elements, size = BLOCK[kind]
    if kind == F32:
        return list(struct.unpack('<%df' % (len(data) // 4), data))
    for at in range(0, len(data), size):
        b = data[at:at + size]
        if kind == Q8_0:
            d, *q = struct.unpack('<e32b', b)
            out += [d * x for x in q]
        elif kind in (Q4_K, Q5_K):
            d, least = struct.unpack_from('<2e', b)
            first = size - 128
            for j, (sc, m) in enumerate(k4_scales(b[4:16])):
                for l, x in enumerate(b[first + j // 2 * 32:first + 32 + j // 2 * 32]):
                    q = x >> 4 if j % 2 else x & 15
                    if kind == Q5_K:
                        q |= (b[16 + l] >> j & 1) << 4
                    out.append(d * sc * q - least * m)
        else:
            scales, (d,) = struct.unpack('<16b', b[192:208]), struct.unpack('<e', b[208:])
            for i in range(256):
                half, quarter, l = i // 128, i % 128 // 32, i % 32
                low = b[64 * half + 32 * (quarter % 2) + l] >> quarter // 2 * 4 & 15
                high = b[128 + 32 * half + l] >> 2 * quarter & 3
                out.append(d * scales[i // 16] * ((low | high << 4) - 32))
    return out


def neighbour(kind, data):
    """The last sub-block of each row takes the scale of the one before it."""
    size = BLOCK[kind][1]
    at = len(data) - size
    if kind == Q8_0:
        data[at:at + 2] = data[at - size:at - size + 2]
    elif kind in (Q4_K, Q5_K):
        scales = k4_scales(data[at + 4:at + 16])
        scales[7] = scales[6][0], scales[7][1]
        data[at + 4:at + 16] = pack_k4(scales)
    else:
        data[at + 207] = data[at + 206]


def high_bit(kind, data):
    """The highest bit of each integer is lost (of Q8_0's that below the sign)."""
    size = BLOCK[kind][1]
    for at in range(0, len(data), size):
        first, count, mask = HIGH_BITS[kind]
        for i in range(at + first, at + first + count):
            data[i] &= mask


def rounded(kind, x, integer=round):
    """Activations as ggml rounds them on a CPU. round() takes halves to even, as the engine does."""
    out = []
    size = 256 if kind in (Q4_K, Q5_K, Q6_K) else 32
    if kind == F32:
        return x
    for at in range(0, len(x), size):
        part = x[at:at + size]
        top = max(part, key=abs)
        if top == 0:
            out += part
        elif size == 256:
            scale = f32(-127 / top)
            d = f32(1 / scale)
            out += [d * min(127, integer(f32(scale * v))) for v in part]
        else:
            scale, d = f32(127 / abs(top)), f16(f32(abs(top) / 127))
            out += [d * integer(f32(v * scale)) for v in part]
    return out


class Trace:
    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, 'manifest.json')) as f:
            self.about = json.load(f)

    def find(self, stage, layer):
        for t in self.about['tensors']:
            if t['stage'] == stage and t.get('layer') == layer:
                return t
        raise SystemExit(f'{self.folder}: no {stage} of layer {layer}')

    def get(self, stage, layer=None):
        t = self.find(stage, layer)
        width = t['shape'][1]
        flat = array.array(t['dtype'][0])
        with open(os.path.join(self.folder, t['file']), 'rb') as f:
            flat.frombytes(f.read())
        return [list(flat[i:i + width]) for i in range(0, len(flat), width)]

    def put(self, stage, layer, rows):
        t = self.find(stage, layer)
        data = array.array(t['dtype'][0], [x for row in rows for x in row]).tobytes()
        t['shape'] = [len(rows), len(rows[0])]
        if 'sha256' in t:
            t['sha256'] = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.folder, t['file']), 'wb') as f:
            f.write(data)

    def close(self):
        with open(os.path.join(self.folder, 'manifest.json'), 'w') as f:
            json.dump(self.about, f, indent=1)


class Planted:
    """One trace, one layer, and what the model says of both."""

    def __init__(self, model, trace, layer):
        self.m, self.t, self.layer = model, trace, layer

    def get(self, stage):
        return self.t.get(stage, self.layer)

    def put(self, stage, rows):
        self.t.put(stage, self.layer, rows)

    def weight(self, name):
        return f'blk.{self.layer}.{name}.weight'

    def product(self, stage, name, source, integer=round, twist=lambda kind, data: None, first=0):
        """y = W a of rows from `first` on, the other rows as they were recorded."""
        name = self.weight(name)
        kind, rows = self.m.tensors[name][0], self.get(stage)
        acts = [rounded(kind, x, integer) for x in self.get(source)]
        for r in range(self.m.rows_of(name)):
            w = self.m.row(name, r, twist)
            for p in range(first, len(rows)):
                rows[p][r] = sum(map(operator.mul, w, acts[p]))
        self.put(stage, rows)

    def norm(self, x, w, eps):
        scale = 1 / math.sqrt(sum(v * v for v in x) / len(x) + eps)
        return [v * scale * g for v, g in zip(x, w)]

    def rope(self, stage, source, name, base):
        dim, w = self.m.own('attention.key_length'), self.m.row(self.weight(name), 0)
        eps, out = self.m.own('attention.layer_norm_rms_epsilon'), []
        for p, row in enumerate(self.get(source)):
            turned = []
            for h in range(0, len(row), dim):
                x = self.norm(row[h:h + dim], w, eps)
                angles = [p * base ** (-2 * i / dim) for i in range(dim // 2)]
                pairs = list(zip(angles, x, x[dim // 2:]))
                turned += [a * math.cos(t) - b * math.sin(t) for t, a, b in pairs]
                turned += [a * math.sin(t) + b * math.cos(t) for t, a, b in pairs]
            out.append(turned)
        self.put(stage, out)

    def base(self, factor):
        base = self.m.own('rope.freq_base') * factor
        self.rope('q_rope', 'q', 'attn_q_norm', base)
        self.rope('k_rope', 'k', 'attn_k_norm', base)

    def epsilon(self, factor):
        x = self.t.get('ffn_residual', self.layer - 1)
        eps = self.m.own('attention.layer_norm_rms_epsilon') * factor
        self.put('attn_norm', [self.norm(row, self.m.row(self.weight('attn_norm'), 0), eps) for row in x])

    def experts(self):
        """One expert less, with weights whose sum is one."""
        used = self.m.own('expert_used_count')
        weights = [[w / sum(row[:-1]) for w in row[:-1]] for row in self.get('moe_router')]
        self.put('moe_router', weights)
        for stage in ('moe_router_indices', 'expert_gate', 'expert_up', 'expert_swiglu', 'expert_down'):
            self.put(stage, [row[:len(row) // used * (used - 1)] for row in self.get(stage)])
        out = []
        for w, down in zip(weights, self.get('expert_down')):
            width = len(down) // len(w)
            out.append([sum(w[r] * down[r * width + i] for r in range(len(w))) for i in range(width)])
        self.put('moe_ffn_out', out)

    def attend(self, shared_by):
        """shared_by(HEAD, HEADS, SHARED): whose keys and values a head takes."""
        dim, heads = self.m.own('attention.key_length'), self.m.own('attention.head_count')
        shared = self.m.own('attention.head_count_kv')
        q, k, v = self.get('q_rope'), self.get('k_rope'), self.get('v')
        out = []
        for p, row in enumerate(q):
            made = []
            for h in range(heads):
                at = shared_by(h, heads, shared) * dim
                x = row[h * dim:h * dim + dim]
                dots = [sum(map(operator.mul, x, k[t][at:at + dim])) / math.sqrt(dim) for t in range(p + 1)]
                parts = [math.exp(d - max(dots)) for d in dots]
                made += [sum(e * v[t][at + i] for t, e in enumerate(parts)) / sum(parts) for i in range(dim)]
            out.append(made)
        self.put('attn_out', out)

    def again(self):
        """No defect, all from the formulas of this file: what they are worth."""
        self.epsilon(1)
        for stage in 'q', 'k', 'v':
            self.product(stage, 'attn_' + stage, 'attn_norm')
        self.base(1)
        self.attend(lambda h, heads, shared: h // (heads // shared))
        self.product('attn_proj', 'attn_output', 'attn_out')
        self.t.about['tensors'].remove(self.t.find('attn_residual', self.layer)) # of what was before

    def flat(self):
        """Rows of the sorted experts are as long as there are experts; copied as if they were not."""
        used = self.m.own('expert_used_count')
        order = [e for row in self.get('moe_router_logits')
                 for e in sorted(range(len(row)), key=lambda e: -row[e])]
        self.put('moe_router_indices',
                 [order[i:i + used] for i in range(0, used * len(self.get('moe_router_indices')), used)])

    def exchanged(self):
        gate, up = self.get('expert_gate'), self.get('expert_up')
        self.put('expert_gate', up)
        self.put('expert_up', gate)

    def order(self):
        self.put('moe_router_indices', [row[::-1] for row in self.get('moe_router_indices')])

    def top(self, rank):
        """The token that the engine takes: of its logits the largest, or from position 1 on another."""
        self.t.about['tensors'].append({'file': 'argmax.bin', 'stage': 'argmax', 'position': 0,
                                        'dtype': self.t.find('moe_router_indices', 0)['dtype']})
        rows = self.t.get('logits')
        tops = [[sorted(range(len(row)), key=lambda i: -row[i])[rank if p else 0]]
                for p, row in enumerate(rows)]
        self.t.put('argmax', None, tops)


# The last two are none: they are sound.
IN_TRACE = {
    'subscale': lambda p: p.product('q', 'attn_q', 'attn_norm', twist=neighbour),
    'high-bit': lambda p: p.product('v', 'attn_v', 'attn_norm', twist=high_bit, first=8),
    'rope-base': lambda p: p.base(0.01),
    'rope-base-1%': lambda p: p.base(1.01),
    'epsilon': lambda p: p.epsilon(10),
    'experts': lambda p: p.experts(),
    'truncation': lambda p: p.product('attn_proj', 'attn_output', 'attn_out', integer=math.trunc),
    'grouping': lambda p: p.attend(lambda h, heads, shared: h % shared),
    'flat-view': lambda p: p.flat(),
    'gate-up': lambda p: p.exchanged(),
    'order': lambda p: p.order(),
    'argmax': lambda p: p.top(1),
    'again': lambda p: p.again(),
    'top': lambda p: p.top(0),
}


def scaled(key, factor):
    return lambda m, layer: m.set_own(key, m.own(key) * factor)


def less(m, _):
    m.set_own('expert_used_count', m.own('expert_used_count') - 1)


IN_FILE = {
    'subscale': lambda m, layer: m.twist(f'blk.{layer}.attn_q.weight', neighbour),
    'high-bit': lambda m, layer: m.twist(f'blk.{layer}.attn_v.weight', high_bit),
    'rope-base': scaled('rope.freq_base', 0.01),
    'rope-base-1%': scaled('rope.freq_base', 1.01),
    'epsilon': scaled('attention.layer_norm_rms_epsilon', 10),
    'experts': less,
    'gate-up': lambda m, layer: m.exchange(f'blk.{layer}.ffn_gate_exps.weight',
                                           f'blk.{layer}.ffn_up_exps.weight'),
}


def main(what, *args):
    if what == 'trace':
        kind, layer, model, trace, out = args
        shutil.copytree(trace, out)
        t = Trace(out)
        IN_TRACE[kind](Planted(Model(model), t, int(layer)))
        t.close()
    elif what == 'file':
        kind, layer, model, out = args
        m = Model(model)
        IN_FILE[kind](m, int(layer))
        with open(out, 'xb') as f:
            f.write(m.data)
    elif what == 'owner':
        model, trace = args
        t = Trace(trace)
        with open(model, 'rb') as f:
            t.about['model_sha256'] = hashlib.sha256(f.read()).hexdigest()
        t.close()
    else:
        raise SystemExit(__doc__)


if __name__ == '__main__':
    main(*sys.argv[1:])
