#!/usr/bin/env python3
"""Metadata of other architectures: usage: keys.py PV FOLDER-OF-MODELS

Each case changes keys or tensors of a sound file. It computes the same bits as another case, other
bits than the sound file, or is refused with one error that has certain words, and a cure.
"""
import json, os, struct, subprocess, sys, tempfile

U32, F32, BOOL, STR, BOOLS, U32S = 'I', 'f', '?', 's', 'a?', 'aI'
NUMBERS = {U32: 4, F32: 6, BOOL: 7}
IDS = '1,2,3,4,5,6,7,8,9,10,11,12'


def text(s):
    return struct.pack('<Q', len(s)) + s.encode()


def value(kind, v):
    if kind == STR:
        return struct.pack('<I', 8) + text(v)
    if kind[0] == 'a':
        return struct.pack('<IIQ', 9, NUMBERS[kind[1]], len(v)) + struct.pack(
            '<%d%s' % (len(v), kind[1]), *v)
    return struct.pack('<I' + kind, NUMBERS[kind], v)


class File:
    def __init__(self, path):
        self.bytes, self.at = open(path, 'rb').read(), 24
        tensors, keys = struct.unpack_from('<QQ', self.bytes, 8)
        self.keys, self.tensors = {}, []
        for _ in range(keys):
            name, start = self.text(), self.at
            self.skip(self.number('I'))
            self.keys[name] = self.bytes[start:self.at]
        for _ in range(tensors):
            name, start = self.text(), self.at
            dims = self.number('I')
            self.at += dims * 8 + 12
            self.tensors.append((name, self.bytes[start:self.at]))
        self.data = self.bytes[(self.at + 31) // 32 * 32:]

    def number(self, kind):
        self.at += struct.calcsize(kind)
        return struct.unpack_from('<' + kind, self.bytes, self.at - struct.calcsize(kind))[0]

    def text(self):
        length = self.number('Q')
        self.at += length
        return self.bytes[self.at - length:self.at].decode()

    def skip(self, kind):
        sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
        if kind == 8:
            self.text()
        elif kind == 9:
            element, count = self.number('I'), self.number('Q')
            for _ in range(count):
                self.skip(element)
        else:
            self.at += sizes[kind]

    def write(self, path, keys, floats):
        """`keys`: name: (kind, value), None to leave it out. `floats`: tensors more, of F32."""
        all_keys, tensors, data = dict(self.keys), list(self.tensors), self.data
        for name, new in keys.items():
            all_keys.pop(name, None)
            if new is not None:
                all_keys[name] = value(*new)
        for name, numbers in floats.items():
            data += bytes(-len(data) % 32)
            tensors.append((name, struct.pack('<IQIQ', 1, len(numbers), 0, len(data))))
            data += struct.pack('<%df' % len(numbers), *numbers)
        head = b'GGUF' + struct.pack('<IQQ', 3, len(tensors), len(all_keys))
        head += b''.join(text(k) + v for k, v in all_keys.items())
        head += b''.join(text(n) + t for n, t in tensors)
        with open(path, 'wb') as f:
            f.write(head + bytes(-len(head) % 32) + data)


S = 'rope.scaling.'
PLAIN = {S + 'type': (STR, 'none')}
LINEAR = {S + 'type': (STR, 'linear'), S + 'factor': (F32, 4.0)}
# name: (model, keys below the architecture, tensors more, what comes out)
#   'other': other bits than the sound file; ('same', NAME): the bits of another case, 'sound': of the
#   sound file; ('refused', WORDS ...)
CASES = {
    'plain': ('llama', PLAIN, {}, 'other'),
    'no scaling': ('llama', {S + 'type': None, S + 'factor': None}, {}, ('same', 'plain')),
    'factor 1': ('llama', {S + 'factor': (F32, 1.0)}, {}, ('same', 'plain')),
    'factor 0': ('llama', {S + 'factor': (F32, 0.0)}, {}, ('same', 'plain')),
    'linear': ('llama', LINEAR, {}, 'other'),
    'linear alone': ('llama', {S + 'type': None}, {}, ('same', 'linear')),
    'older name': ('llama', {S + 'type': None, S + 'factor': None, 'rope.scale_linear': (F32, 4.0)}, {},
                   ('same', 'linear')),
    'both names': ('llama', {'rope.scale_linear': (F32, 2.0)}, {},
                   ('refused', 'llama.rope.scale_linear is 2', 'another number')),
    'factor -1': ('llama', {S + 'factor': (F32, -1.0)}, {},
                  ('refused', 'llama.rope.scaling.factor is -1')),
    'longrope': ('llama', {S + 'type': (STR, 'longrope')}, {},
                 ('refused', "llama.rope.scaling.type is 'longrope'")),
    'betas': ('llama', {S + 'yarn_beta_fast': (F32, 32.0), S + 'yarn_beta_slow': (F32, 1.0)}, {}, 'sound'),
    'other betas': ('llama', {S + 'yarn_beta_slow': (F32, 4.0)}, {}, 'other'),
    'betas reversed': ('llama', {S + 'yarn_beta_fast': (F32, 0.5)}, {},
                       ('refused', 'yarn_beta_fast is 0.5', 'below the slow one')),
    'original': ('llama', {S + 'original_context_length': None}, {}, 'other'),
    'context as original': ('llama', {S + 'original_context_length': (U32, 512)}, {},
                            ('same', 'original')),
    'original 0': ('llama', {S + 'original_context_length': (U32, 0)}, {},
                   ('refused', 'original_context_length is 0')),
    'yarn factor': ('llama', {S + 'yarn_attn_factor': (F32, 1.5)}, {}, 'other'),
    'factor on linear': ('llama', dict(LINEAR, **{S + 'attn_factor': (F32, 1.5)}), {}, 'other'),
    'yarn factor on linear': ('llama', dict(LINEAR, **{S + 'yarn_attn_factor': (F32, 1.5)}), {},
                              ('refused', 'yarn_attn_factor is 1.5', 'without YaRN')),
    'ext factor': ('llama', {S + 'yarn_ext_factor': (F32, 1.0)}, {}, 'sound'),
    'other ext factor': ('llama', {S + 'yarn_ext_factor': (F32, 0.0)}, {},
                         ('refused', 'yarn_ext_factor is 0')),
    'factors of 1': ('llama', {}, {'rope_freqs.weight': [1.0] * 16}, 'sound'),
    'factors of 4': ('llama', PLAIN, {'rope_freqs.weight': [4.0] * 16}, ('same', 'linear')),
    'short factors': ('llama', {}, {'rope_freqs.weight': [1.0] * 15},
                      ('refused', "tensor 'rope_freqs.weight' has 15 elements")),
    'factor of 0': ('llama', {}, {'rope_freqs.weight': [1.0] * 15 + [0.0]},
                    ('refused', "tensor 'rope_freqs.weight' holds 0 at 15")),
    'factors elsewhere': ('gemma3', {}, {'rope_freqs.weight': [1.0] * 32},
                          ('refused', "the first is 'rope_freqs.weight'")),
    'long factors': ('llama', {}, {'rope_factors_long.weight': [1.0] * 16},
                     ('refused', "the first is 'rope_factors_long.weight'")),
    'head of the width': ('llama', {'attention.key_length': None, 'attention.value_length': None}, {},
                          'sound'),
    'base absent': ('llama', {'rope.freq_base': None}, {}, 'sound'),
    'heads of each layer': ('llama', {'attention.head_count_kv': (U32S, [2, 2])}, {}, 'sound'),
    'other heads of each layer': ('llama', {'attention.head_count_kv': (U32S, [2, 1])}, {},
                                  ('refused', 'attention.head_count_kv is [2, 1]', 'all have the same')),
    'window of another': ('llama', {'attention.sliding_window': (U32, 8)}, {},
                          ('refused', 'llama.attention.sliding_window is 8')),
    'experts of nobody': ('llama', {'expert_count': (U32, 4), 'expert_used_count': (U32, 2)}, {},
                          ('refused', "tensor 'blk.0.ffn_gate_inp.weight' is missing")),
    'local base absent': ('gemma3', {'rope.freq_base_swa': None}, {}, 'sound'),
    'period': ('gemma3', {'attention.sliding_window_pattern': (U32, 6)}, {}, 'sound'),
    'period of 3': ('gemma3', {'attention.sliding_window_pattern': (U32, 3)}, {}, 'other'),
    'period of 0': ('gemma3', {'attention.sliding_window_pattern': (U32, 0)}, {},
                    ('refused', 'sliding_window_pattern is 0')),
    'list': ('gemma3', {'attention.sliding_window_pattern': (BOOLS, [1, 1, 1, 1, 1, 0])}, {}, 'sound'),
    'list of 3': ('gemma3', {'attention.sliding_window_pattern': (BOOLS, [1, 1, 0, 1, 1, 0])}, {},
                  ('same', 'period of 3')),
    'list without period': ('gemma3', {'attention.sliding_window_pattern': (BOOLS, [1, 0, 0, 1, 1, 0])},
                            {}, ('refused', 'sliding_window_pattern is')),
    'short list': ('gemma3', {'attention.sliding_window_pattern': (BOOLS, [1, 1, 0])}, {},
                   ('refused', 'sliding_window_pattern is')),
    'window of 0': ('gemma3', {'attention.sliding_window': (U32, 0)}, {},
                    ('refused', 'gemma3.attention.sliding_window is 0')),
    'window of 4': ('gemma3', {'attention.sliding_window': (U32, 4)}, {}, 'other'),
    'no window': ('gemma3', {'attention.sliding_window': None}, {}, 'other'),
    'capped logits': ('gemma3', {'final_logit_softcapping': (F32, 30.0)}, {},
                      ('refused', 'gemma3.final_logit_softcapping is 30')),
    'another scale': ('gemma3', {'embedding_scale': (F32, 1.0)}, {},
                      ('refused', 'gemma3.embedding_scale is 1')),
    'window absent': ('gpt-oss', {'attention.sliding_window': None}, {},
                      ('refused', "no key 'gpt-oss.attention.sliding_window'")),
    'same base': ('gpt-oss', {'rope.freq_base_swa': (F32, 150000.0)}, {}, 'sound'),
    'another base': ('gpt-oss', {'rope.freq_base_swa': (F32, 10000.0)}, {}, 'other'),
    'group': ('gpt-oss', {'expert_group_count': (U32, 4)}, {},
              ('refused', 'gpt-oss.expert_group_count is 4')),
    'a bias more': ('gpt-oss', {}, {'blk.0.exp_probs_b.bias': [0.0] * 6},
                    ('refused', "the first is 'blk.0.exp_probs_b.bias'")),
}


def logits(pv, path, to):
    done = subprocess.run([pv, 'trace', '--model', path, '--ids', IDS, '--stage', 'logits', '--threads',
                           '1', '--out', to], capture_output=True, text=True)
    if done.returncode == 0:
        return open(to + '/logits.bin', 'rb').read(), ''
    return None, done.stderr


def main(pv, folder):
    names = {'llama': 'llama-yarn-Q4_K_M', 'gemma3': 'gemma3-Q4_K_M', 'gpt-oss': 'gpt-oss-MXFP4_MOE'}
    failed, out = 0, {}
    with tempfile.TemporaryDirectory() as work:
        files = {a: File('%s/%s.gguf' % (folder, n)) for a, n in names.items()}
        for a, n in names.items():
            out[a], _ = logits(pv, '%s/%s.gguf' % (folder, n), '%s/%s' % (work, a))
            assert out[a] is not None
        for number, (name, (model, keys, floats, want)) in enumerate(CASES.items()):
            path = work + '/x.gguf'
            files[model].write(path, {model + '.' + k: v for k, v in keys.items()}, floats)
            got, said = logits(pv, path, '%s/%d' % (work, number))
            out[name] = got
            if want == 'other':
                good = got is not None and got != out[model]
            elif want == 'sound':
                good = got is not None and got == out[model]
            elif want[0] == 'same':
                good = got is not None and got == out[want[1]]
            else:
                lines = said.strip().split('\n')
                good = got is None and len(lines) == 2 and all(w in said for w in want[1:])
            if not good:
                failed += 1
                print('FAILED %s: %s' % (name, said.strip() or ('other bits', 'the same bits')[want == 'other']))
    print('%d passed, %d failed' % (len(CASES) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
