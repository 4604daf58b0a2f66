#!/usr/bin/env python3
"""split.py FILE NAME N...: the tensors of a GGUF file in parts NAME-00001-of-0000M.gguf, N of them in the first, and
so on, the rest in the last: as llama-gguf-split writes them. The first part has all metadata, the others have the keys
of a part alone."""
import struct
import sys

SIZE = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
U16, I32 = 2, 5


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        value = struct.unpack_from("<" + form, self.data, self.at)[0]
        self.at += struct.calcsize("<" + form)
        return value

    def text(self):
        length = self.take("Q")
        self.at += length
        return self.data[self.at - length:self.at]

    def value(self, kind):
        if kind == 8:
            self.text()
        elif kind == 9:
            kind, count = self.take("I"), self.take("Q")
            for _ in range(count):
                self.value(kind)
        else:
            self.at += SIZE[kind]


def read(data):
    """Keys as their bytes by name, and tensors as (bytes of the entry without its offset, data)."""
    r = Reader(data)
    r.at = 8
    tensors, keys = r.take("Q"), r.take("Q")
    metadata, entries = {}, []
    for _ in range(keys):
        begin, name = r.at, r.text()
        r.value(r.take("I"))
        metadata[name] = data[begin:r.at]
    for _ in range(tensors):
        begin = r.at
        r.text()
        dimensions = r.take("I")
        r.at += 8 * dimensions + 4
        entries.append((data[begin:r.at], r.take("Q")))
    start = -(-r.at // 32) * 32
    order = sorted({offset for _, offset in entries} | {len(data) - start})
    end = dict(zip(order, order[1:]))
    return metadata, [(entry, data[start + offset:start + end[offset]]) for entry, offset in entries]


def key(name, kind, form, value):
    return struct.pack("<Q", len(name)) + name + struct.pack("<I" + form, kind, value)


def part(metadata, tensors):
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(metadata)
    body = b""
    for entry, data in tensors:
        head += entry + struct.pack("<Q", len(body))
        body += data + bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + body


def split(data, counts):
    metadata, tensors = read(data)
    total, parts = len(tensors), len(counts) + 1
    out = []
    for number in range(parts):
        own = [key(b"split.no", U16, "H", number), key(b"split.tensors.count", I32, "i", total),
               key(b"split.count", U16, "H", parts)]
        here = len(tensors) if number == parts - 1 else counts[number]
        out.append(part((list(metadata.values()) if number == 0 else []) + own, tensors[:here]))
        tensors = tensors[here:]
    return out


def main():
    source, name, *counts = sys.argv[1:]
    with open(source, "rb") as f:
        parts = split(f.read(), [int(n) for n in counts])
    for number, data in enumerate(parts, 1):
        with open(f"{name}-{number:05}-of-{len(parts):05}.gguf", "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
