#!/usr/bin/env python3
"""The logits of what llmexport exports for MNN, its own model in torch, beside float64's. Needs llmexport with what it imports, safetensors
and gguf.

    llmexport_logits.py PV MODEL IDS   a checkpoint is made of MODEL, a GGUF file, and read by llmexport: the largest distance of all
                                       logits; 1 as exit code if it is larger than --within
        --within X     (1e-4)
        --of FILE      float64's model (MODEL)
        --config JSON  keys of config.json that are other ones
"""
import argparse
import importlib.util
import json
import os
import sys
import tempfile
import warnings

sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")
# Its modules import each other as the top-level package utils.
sys.path.insert(0, os.path.dirname(importlib.util.find_spec("llmexport").origin))
import numpy  # noqa: E402
import torch  # noqa: E402
from beside import checkpoint_of, stages  # noqa: E402
from utils.model import LlmModel  # noqa: E402


class NoOptions:
    """Of its program none is given."""

    def __getattr__(self, name):
        return None


p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name in ("pv", "model", "ids"):
    p.add_argument(name)
p.add_argument("--within", type=float, default=1e-4)
p.add_argument("--of")
p.add_argument("--config", type=json.loads, default={})
a = p.parse_args()
ids = [int(n) for n in a.ids.split(",")]
with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    at = os.path.join(folder, "checkpoint")
    width = len(checkpoint_of(a.model, at, a.config))
    model = LlmModel.from_pretrained(at, args=NoOptions()).float().eval()
    rows = model(model.embedding(torch.tensor([ids])), model.get_attention_mask(len(ids)), model.get_position_ids(len(ids)),
                 torch.tensor([0], dtype=torch.int32))[0].numpy().reshape(len(ids), width)
own, _ = stages(a.pv, a.of or a.model, "--ids", a.ids, "--stage", "logits")
largest = numpy.abs(rows - own["logits"]).max()
print(f"{len(ids)} tokens, {len(rows)} rows: {largest:.2g}")
sys.exit(int(not largest <= a.within))
