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


def halves(path):
    data = path.read_bytes()
    floats = struct.unpack(f"<{len(data) // 4}f", data)
    return struct.pack(f"<{len(floats)}e", *floats)


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
            data += halves(golden / logits["file"])
    out.write_bytes(data + hashlib.sha256(data).digest())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
