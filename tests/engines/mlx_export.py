#!/usr/bin/env python3
"""mlx_export.py IN FOLDER: a checkpoint of a GGUF file of `llama` with the scaling of RoPE that Llama 3.2 of 1B has, and
FOLDER/export.gguf, what mlx-lm's `fuse --export-gguf` makes of it. Needs mlx-lm and gguf."""
import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../engines"))
import checkpoint  # noqa: E402
import gguf  # noqa: E402
from mlx.utils import tree_flatten  # noqa: E402
from mlx_lm.gguf import convert_to_gguf  # noqa: E402
from mlx_lm.utils import load_model  # noqa: E402

source, folder = sys.argv[1], Path(sys.argv[2])
folder.mkdir()
checkpoint.write(source, folder, False)
config = json.loads((folder / "config.json").read_text())
config["rope_scaling"] = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                          "original_max_position_embeddings": 8192}
(folder / "config.json").write_text(json.dumps(config))
words = {f"t{i}": i for i in range(config["vocab_size"])}
nothing = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
(folder / "tokenizer.json").write_text(json.dumps(
    {"version": "1.0", "added_tokens": [], **nothing, "model": {"type": "WordLevel", "vocab": words, "unk_token": "t0"}}))
(folder / "tokenizer_config.json").write_text(json.dumps(
    {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "t0", "bos_token": "t1", "eos_token": "t2"}))
weights = dict(tree_flatten(load_model(folder)[0].parameters()))
convert_to_gguf(folder, weights, config, str(folder / "export.gguf"))
# It says 1; pv, which reads no blocks but those of version 2, does not ask whether there are any.
field = gguf.GGUFReader(str(folder / "export.gguf"), "r+").fields["general.quantization_version"]
field.parts[field.data[0]][0] = 2
