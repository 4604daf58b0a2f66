#!/usr/bin/env python3
"""rope_freqs.py IN OUT: a GGUF file of `llama` in F32 with the divisors of frequencies that llama.cpp's converter writes
for Llama 3.2 of 1B (factor 32, 1 and 4 of 8192 positions). Needs gguf and numpy."""
import math
import sys

import gguf
import numpy

reader = gguf.GGUFReader(sys.argv[1])
fields = reader.fields
writer = gguf.GGUFWriter(sys.argv[2], "llama")
for name, field in fields.items():
    if name.startswith("GGUF.") or name == "general.architecture":
        continue
    kind = field.types[0]
    writer.add_key_value(name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
width = fields["llama.attention.key_length"].contents()
base = fields["llama.rope.freq_base"].contents()
factor, low, high, trained = 32, 1, 4, 8192
divisors = []
for i in range(0, width, 2):
    wave = 2 * math.pi * base ** (i / width)
    smooth = min(max((trained / wave - low) / (high - low), 0), 1)
    divisors.append(1 / ((1 - smooth) / factor + smooth))
writer.add_tensor("rope_freqs.weight", numpy.array(divisors, "f4"))
for tensor in reader.tensors:
    writer.add_tensor(tensor.name, numpy.array(tensor.data))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
