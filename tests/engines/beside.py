"""What stands beside another engine's numbers, pv's stages; and what an engine of checkpoints is given. Needs numpy, the
second gguf and safetensors too."""
import json
import os
import subprocess
import sys
import tempfile

import numpy

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../engines"))

TYPES = {"f32": "<f4", "f64": "<f8", "i32": "<i4"}


def stages(pv, model, *options, side="f64"):
    """By their names, of float64 if no other side is named, and the token ids; of a model with several layers the last one's."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "t")
        subprocess.run([pv, "trace", model, "--side", side, *options, "--out", out], check=True, capture_output=True)
        with open(os.path.join(out, "manifest.json")) as f:
            manifest = json.load(f)
        found = {t["stage"]: numpy.fromfile(os.path.join(out, t["file"]), TYPES[t["dtype"]]).reshape(t["shape"])
                 for t in manifest["tensors"]}
    return found, [int(n) for n in manifest["ids"].split(",")]


def checkpoint_of(model, folder, other):
    """A checkpoint of a GGUF file in a new folder, with other keys of config.json and a name for each token, the first three of
    them special ones. Gives the names."""
    import checkpoint

    os.mkdir(folder)
    checkpoint.write(model, folder, True)
    with open(os.path.join(folder, "config.json")) as f:
        config = {**json.load(f), **other}
    names = ["<unk>", "<s>", "</s>", *(f"t{n}" for n in range(3, config["vocab_size"]))]
    nothing = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    vocabulary = {"type": "WordLevel", "vocab": {name: n for n, name in enumerate(names)}, "unk_token": names[0]}
    special = {"unk_token": names[0], "bos_token": names[1], "eos_token": names[2]}
    for name, said in (("config", config), ("tokenizer", {"version": "1.0", "added_tokens": [], **nothing, "model": vocabulary}),
                       ("tokenizer_config", {"tokenizer_class": "PreTrainedTokenizerFast", **special})):
        with open(os.path.join(folder, name + ".json"), "w") as f:
            json.dump(said, f)
    return names
