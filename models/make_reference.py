#!/usr/bin/env python3
"""Writes a reference file from a folder of golden outputs: make_reference.py GOLDEN OUT

GOLDEN holds manifest.json and the tensors that it names; the format is in models/README.md.
Standard library only."""
import hashlib
import json
import pathlib
import struct
import sys


def string(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data


def ids(values):
    return struct.pack(f"<I{len(values)}I", len(values), *values)


def rows(path, vocab):
    data = path.read_bytes()
    return [struct.unpack_from(f"<{vocab}f", data, at) for at in range(0, len(data), 4 * vocab)]


def argmax(row):
    return max(range(len(row)), key=lambda i: (row[i], -i))


def logits_of(name, logits):
    """Top tokens and margins as float32 gave them, then the logits in binary16."""
    tops, margins, halves = [], [], b""
    for position, row in enumerate(logits):
        best, second = sorted(row, reverse=True)[:2]
        half = struct.pack(f"<{len(row)}e", *row)
        tops.append(argmax(row))
        margins.append(best - second)
        halves += half
        if argmax(struct.unpack(f"<{len(row)}e", half)) != tops[-1]:
            sys.exit(f"{name}: binary16 moves the top token of position {position}")
    count = len(logits)
    return struct.pack(f"<{count}I{count}f", *tops, *margins) + halves


def main(golden, out):
    manifest = json.loads((golden / "manifest.json").read_text())
    prompts = manifest["prompts"]
    vocab = prompts[0]["tensors"]["hf-f32/logits"]["shape"][1]
    data = b"PVREF\0\0\1" + struct.pack("<II", vocab, len(prompts))
    for prompt in prompts:
        logits = prompt["tensors"].get("hf-f32/logits")
        data += string(prompt["name"]) + string(prompt.get("text", ""))
        data += ids(prompt["ids"])
        data += ids(prompt.get("hf_greedy_32", [])) + ids(prompt.get("f64_greedy_32", []))
        data += struct.pack("<B", logits is not None)
        if logits is not None:
            data += logits_of(prompt["name"], rows(golden / logits["file"], vocab))
    out.write_bytes(data + hashlib.sha256(data).digest())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
