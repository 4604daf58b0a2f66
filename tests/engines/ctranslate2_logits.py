#!/usr/bin/env python3
"""CTranslate2's logits beside float64's. Needs ctranslate2, transformers, torch, safetensors, gguf and numpy.

    ctranslate2_logits.py PV MODEL IDS   a checkpoint is made of MODEL, a GGUF file, and is converted and computed in float32: the
                                         largest distance of all logits; 1 as exit code if it is larger than --within
        --within X     (1e-4)
        --of FILE      float64's model (MODEL)
        --config JSON  keys of config.json that are other ones
        --generate N   the ids are a prompt, and the logits are those of the N tokens that it goes on with
"""
import argparse
import json
import os
import sys
import tempfile
import warnings

sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")
import ctranslate2  # noqa: E402
import numpy  # noqa: E402
from beside import checkpoint_of, stages  # noqa: E402
from ctranslate2.converters import TransformersConverter  # noqa: E402


def converted(model, folder, other):
    at, out = os.path.join(folder, "checkpoint"), os.path.join(folder, "converted")
    names = checkpoint_of(model, at, other)
    TransformersConverter(at).convert(out)
    return ctranslate2.Generator(out, device="cpu", compute_type="float32", intra_threads=1), names


def logits(generator, names, ids, more):
    """The rows, and the token ids that they are of."""
    if not more:
        return numpy.array(generator.forward_batch([ids], return_log_probs=False))[0], ids
    answer, = generator.generate_batch([[names[n] for n in ids]], max_length=more, sampling_topk=1, end_token=[],
                                       return_logits_vocab=True, include_prompt_in_result=False)
    return numpy.array([numpy.array(row) for row in answer.logits[0]]), ids + list(answer.sequences_ids[0])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("pv", "model", "ids"):
        p.add_argument(name)
    p.add_argument("--within", type=float, default=1e-4)
    p.add_argument("--of")
    p.add_argument("--config", type=json.loads, default={})
    p.add_argument("--generate", type=int, default=0)
    a = p.parse_args()
    ids = [int(n) for n in a.ids.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        generator, names = converted(a.model, folder, a.config)
        try:
            rows, all_ids = logits(generator, names, ids, a.generate)
        except ValueError as error:
            print(f"ERROR {str(error).splitlines()[0]}")
            return 1
    own, _ = stages(a.pv, a.of or a.model, "--ids", ",".join(map(str, all_ids)), "--stage", "logits")
    first = len(ids) - 1 if a.generate else 0
    largest = numpy.abs(rows - own["logits"][first:first + len(rows)]).max()
    print(f"{len(ids)} tokens, {len(rows)} rows: {largest:.2g}")
    return int(not largest <= a.within)


sys.exit(main())
