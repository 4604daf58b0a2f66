#!/usr/bin/env python3
"""Makes blocks.txt: blocks of each tensor type, and what another implementation decodes them to.

Needs the package gguf (0.19.0 was used) and numpy; no test runs it. A line holds the type, blocks in
hexadecimal, and the first 16 digits of the SHA-256 of their weights as little-endian float32, each
NaN of which is written as 7fc00000."""
import hashlib
import sys
import numpy as np
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T

# Offsets of the binary16 scales of a block.
HALVES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82],
          T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0],
          T.IQ4_XS: [0], T.MXFP4: [], T.TQ2_0: [64]}
# Zeros, the least and largest subnormal, the least normal, one, the largest, infinities, a NaN.
SCALES = [0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x3c00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00]
EXPONENTS = [0, 1, 2, 3, 126, 127, 128, 253, 254, 255]


def classes(kind, rng):
    size = GGML_QUANT_SIZES[kind][1]
    halves = HALVES[kind]

    def filled(byte):
        return np.full(size, byte, np.uint8)

    def with_scales(block, values):
        block = block.copy()
        for at, value in zip(halves, values):
            block[at:at + 2] = np.frombuffer(np.uint16(value).tobytes(), np.uint8)
        return block

    def noise():
        return rng.integers(0, 256, size, np.uint8)

    def moderate():
        return [int(np.float16(v).view(np.uint16)) for v in rng.uniform(-0.1, 0.1, 2)]

    yield [with_scales(filled(b), [0x3c00, 0x3800]) for b in (0x00, 0xff, 0x55, 0xaa, 0x0f, 0xf0)]
    yield [filled(0x00), filled(0xff)]
    yield [with_scales(noise(), moderate()) for _ in range(8)]
    if kind == T.MXFP4:
        for e in EXPONENTS:
            block = noise()
            block[0] = e
            yield [block]
    for i, value in enumerate(SCALES if halves else []):
        yield [with_scales(noise(), [value, SCALES[(i + 3) % len(SCALES)]])]


def main():
    rng = np.random.default_rng(17)
    for kind in HALVES:
        for blocks in classes(kind, rng):
            data = np.concatenate(blocks)
            with np.errstate(all="ignore"):
                out = np.ascontiguousarray(quants.dequantize(data, kind), np.float32).copy()
            out[np.isnan(out)] = np.uint32(0x7fc00000).view(np.float32)
            digest = hashlib.sha256(out.astype("<f4").tobytes()).hexdigest()[:16]
            sys.stdout.write(f"{kind.name} {data.tobytes().hex()} {digest}\n")


main()
