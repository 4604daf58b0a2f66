"""What the writers of traces in Python share: their words, the digest of a model, the folder that they leave."""
import hashlib
import json
import os
import re


class Failure(Exception):
    """What is wrong, in one sentence."""


def first_line(error):
    """The first line of what an error says."""
    return (str(error).strip() or repr(error)).splitlines()[0]


def numbers(text, what, least):
    try:
        found = [int(n) for n in text.split(",")]
    except ValueError:
        raise Failure(f"{what} are numbers with commas between them, not '{text}'") from None
    if min(found) < least:
        raise Failure(f"{what} are at least {least}, not {min(found)}")
    return found


def calls(ids, batches):
    """The token ids, and how many of them go into each call: all at once, if nothing is said."""
    ids = numbers(ids, "ids", 0)
    batches = numbers(batches, "batches", 1) if batches else [len(ids)]
    if sum(batches) != len(ids):
        raise Failure(f"batches have {sum(batches)} tokens together, ids {len(ids)}")
    return ids, batches


def digest(path):
    """Of a model in parts, NAME-00001-of-00003.gguf and so on, over all of them in their order."""
    part = re.fullmatch(r"(.*-)[0-9]{5}(-of-([0-9]{5})\.gguf)", path, re.DOTALL)
    paths = [f"{part[1]}{n:05}{part[2]}" for n in range(1, int(part[3]) + 1)] if part else [path]
    sha = hashlib.sha256()
    for one in paths:
        with open(one, "rb") as f:
            while chunk := f.read(1 << 20):
                sha.update(chunk)
    return sha.hexdigest()


def as_in_file(stage, rows, head):
    """Rows of an engine that moved the weights of q and k of `llama` apart, so that RoPE turns the halves of a head:
    in the order of the file, where it turns neighbours."""
    if stage not in ("q", "k", "q_bias", "k_bias", "q_rope", "k_rope"):
        return rows
    return rows.reshape(rows.shape[0], -1, 2, head // 2).swapaxes(-1, -2).reshape(rows.shape[0], -1)


class Folder:
    """In the format pv/trace/v2: a file for each tensor, the manifest last."""

    NAMES = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64"}

    def __init__(self, folder):
        os.mkdir(folder)
        self.folder, self.tensors = folder, []

    def put(self, stage, layer, dtype, shape, data, position):
        """dtype is a key of NAMES, shape [rows, width], data their bytes, position that of the first row."""
        name = f"{stage}.{layer}" if layer is not None else stage
        tensor = {"stage": stage, "file": f"{name}@{position}.bin", "dtype": self.NAMES[dtype], "shape": list(shape),
                  "position": position, "sha256": hashlib.sha256(data).hexdigest()}
        if layer is not None:
            tensor["layer"] = layer
        with open(os.path.join(self.folder, tensor["file"]), "xb") as f:
            f.write(data)
        self.tensors.append(tensor)

    def close(self, about):
        with open(os.path.join(self.folder, "manifest.json"), "x") as f:
            json.dump({"schema": "pv/trace/v2", **about, "tensors": self.tensors}, f, indent=1)
