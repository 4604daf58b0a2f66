#!/usr/bin/env python3
"""fastllm's logits of the next token beside float64's. Needs ftllm, what it imports, and numpy.

    fastllm_logits.py PV MODEL IDS   the largest distance; 1 as exit code if it is larger than --within
        --within X     (1e-3)
        --of FILE      pv's model (MODEL)
        --side SIDE    pv's side (f64), such as cpu:f32-f64acc@rope_pairs
        --generate N   also those of the N - 1 tokens that it goes on with (1)
"""
import argparse
import ctypes
import os
import sys

sys.dont_write_bytecode = True
out = os.fdopen(os.dup(1), "w", buffering=1)  # fastllm writes what it does to standard output: that goes where errors go
os.dup2(2, 1)
import numpy  # noqa: E402
from beside import stages  # noqa: E402
from ftllm import llm  # noqa: E402


def logits(model, ids, width, count):
    """Rows, and the token that each gave. No sampling: of one token alone, the largest."""
    stops, stop = model.stop_token_ctypes(None)
    handle = llm.fastllm_lib.launch_response_llm_model(model.model, len(ids), (ctypes.c_int * len(ids))(*ids), count, 0, False, 1, 1,
                                                       1, 1, True, stops, stop)
    rows, tokens = [], []
    while True:
        row = (ctypes.c_float * (4 * width))()
        token = llm.fastllm_lib.fetch_response_logits_llm_model(model.model, handle, row)
        if token == -1:
            return numpy.array(rows), tokens
        rows.append(list(row)[:width])
        tokens.append(token)


p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name in ("pv", "model", "ids"):
    p.add_argument(name)
p.add_argument("--within", type=float, default=1e-3)
p.add_argument("--of")
p.add_argument("--side", default="f64")
p.add_argument("--generate", type=int, default=1)
a = p.parse_args()
ids = [int(n) for n in a.ids.split(",")]
width = stages(a.pv, a.of or a.model, "--ids", "5", "--stage", "logits")[0]["logits"].shape[1]
llm.set_cpu_threads(1)
rows, tokens = logits(llm.model(a.model), ids, width, a.generate)
own, _ = stages(a.pv, a.of or a.model, "--ids", ",".join(map(str, ids + tokens[:-1])), "--stage", "logits", side=a.side)
largest = numpy.abs(rows - own["logits"][len(ids) - 1:]).max()
print(f"{len(ids)} tokens, {len(rows)} rows: {largest:.2g}{'' if rows.any() else ', all are 0'}", file=out)
out.flush()
os._exit(int(not largest <= a.within))  # its threads do not end by themselves
