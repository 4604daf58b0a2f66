"""What stands beside another engine's numbers: pv's stages, of float64 if no other side is named."""
import json
import os
import subprocess
import tempfile

import numpy

TYPES = {"f32": "<f4", "f64": "<f8", "i32": "<i4"}


def stages(pv, model, *options, side="f64"):
    """By their names, and the token ids; of a model with several layers the last one's."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "t")
        subprocess.run([pv, "trace", model, "--side", side, *options, "--out", out], check=True, capture_output=True)
        with open(os.path.join(out, "manifest.json")) as f:
            manifest = json.load(f)
        found = {t["stage"]: numpy.fromfile(os.path.join(out, t["file"]), TYPES[t["dtype"]]).reshape(t["shape"])
                 for t in manifest["tensors"]}
    return found, [int(n) for n in manifest["ids"].split(",")]
