#!/usr/bin/env python3
"""scored.py MODEL OUT: the model with a small tokenizer of SentencePiece instead of its own."""
import struct
import sys

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9
BLANK = '\u2581'
# name, type, score; "hi" behind a blank is 264
TOKENS = ([('<unk>', 2, 0), ('<s>', 3, 0), ('</s>', 3, 0)] +
          [('<0x%02X>' % byte, 6, 0) for byte in range(256)] +
          [(BLANK, 1, -9), ('h', 1, -8), ('i', 1, -7), (BLANK + 'h', 1, -3), ('hi', 1, -2),
           (BLANK + 'hi', 1, -1)])


def end_of_string(data, at):
    return at + 8 + struct.unpack_from('<Q', data, at)[0]


def end_of_value(data, at, kind):
    if kind == STRING:
        return end_of_string(data, at)
    if kind != ARRAY:
        return at + SIZES[kind]
    element, count = struct.unpack_from('<IQ', data, at)
    at += 12
    if element != STRING:
        return at + count * SIZES[element]
    for _ in range(count):
        at = end_of_string(data, at)
    return at


def string(text):
    return struct.pack('<Q', len(text.encode())) + text.encode()


def array(name, element, values):
    return string('tokenizer.ggml.' + name) + struct.pack('<IIQ', ARRAY, element, len(values)) + b''.join(values)


with open(sys.argv[1], 'rb') as file:
    data = file.read()
version, tensors, keys = struct.unpack_from('<IQQ', data, 4)
kept, at = [], 24
for _ in range(keys):
    begin, name = at, data[at + 8:end_of_string(data, at)]
    at = end_of_string(data, at)
    at = end_of_value(data, at + 4, struct.unpack_from('<I', data, at)[0])
    if not name.startswith(b'tokenizer.'):
        kept.append(data[begin:at])
begin = at
for _ in range(tensors):
    at = end_of_string(data, at)
    at += 4 + 8 * struct.unpack_from('<I', data, at)[0] + 12
kept += [string('tokenizer.ggml.model') + struct.pack('<I', STRING) + string('llama'),
         array('tokens', STRING, [string(name) for name, _, _ in TOKENS]),
         array('token_type', 5, [struct.pack('<i', kind) for _, kind, _ in TOKENS]),
         array('scores', 6, [struct.pack('<f', score) for _, _, score in TOKENS]),
         string('tokenizer.ggml.bos_token_id') + struct.pack('<II', 4, 1),
         string('tokenizer.ggml.eos_token_id') + struct.pack('<II', 4, 2)]
out = b'GGUF' + struct.pack('<IQQ', version, tensors, len(kept)) + b''.join(kept) + data[begin:at]
with open(sys.argv[2], 'wb') as file:
    file.write(out + bytes(-len(out) % 32) + data[at + -at % 32:])
