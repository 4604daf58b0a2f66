"""A GGUF file as the folder that engines of Hugging Face's checkpoints read: config.json with the keys of published
models, and one file of safetensors in float32. Needs gguf, numpy and safetensors."""
import json
import os

from pv_trace import Failure, first_line

MODELS = {"llama": "LlamaForCausalLM", "mixtral": "MixtralForCausalLM", "qwen3": "Qwen3ForCausalLM",
          "qwen3_moe": "Qwen3MoeForCausalLM", "qwen2_moe": "Qwen2MoeForCausalLM", "olmoe": "OlmoeForCausalLM",
          "gemma3_text": "Gemma3ForCausalLM", "gpt_oss": "GptOssForCausalLM"}
NAMES = {"qwen3moe": "qwen3_moe", "qwen2moe": "qwen2_moe", "gemma3": "gemma3_text", "gpt-oss": "gpt_oss"}
LAYER = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj",
         "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "ffn_gate_inp": "mlp.gate",
         "ffn_gate_exps": "mlp.experts.{}.gate_proj", "ffn_up_exps": "mlp.experts.{}.up_proj",
         "ffn_down_exps": "mlp.experts.{}.down_proj", "ffn_gate_shexp": "mlp.shared_expert.gate_proj",
         "ffn_up_shexp": "mlp.shared_expert.up_proj", "ffn_down_shexp": "mlp.shared_expert.down_proj",
         "ffn_gate_inp_shexp": "mlp.shared_expert_gate"}
KINDS = {"mixtral": {"ffn_gate_inp": "block_sparse_moe.gate", "ffn_gate_exps": "block_sparse_moe.experts.{}.w1",
                     "ffn_up_exps": "block_sparse_moe.experts.{}.w3", "ffn_down_exps": "block_sparse_moe.experts.{}.w2"},
         "gemma3_text": {"ffn_norm": "pre_feedforward_layernorm", "post_attention_norm": "post_attention_layernorm",
                         "post_ffw_norm": "post_feedforward_layernorm"},
         # As mlx-lm itself saves it: all experts in one tensor, gate and up apart.
         "gpt_oss": {"post_attention_norm": "post_attention_layernorm", "ffn_gate_inp": "mlp.router",
                     "ffn_gate_exps": "mlp.experts.gate_proj", "ffn_up_exps": "mlp.experts.up_proj",
                     "ffn_down_exps": "mlp.experts.down_proj", "attn_sinks": "self_attn.sinks"}}
OUTER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


class File:
    """The keys and tensors of a GGUF file."""

    def __init__(self, path):
        import gguf

        try:
            reader = gguf.GGUFReader(path)
        except (ValueError, IndexError) as error:
            raise Failure(f"{path} is no GGUF file that is read: {first_line(error)}") from None
        self.fields = reader.fields
        self.arch = self.key("general.architecture")
        self.tensors = {t.name: t for t in reader.tensors}
        self.experts = self.get("expert_count", 0)
        self.kind = "mixtral" if self.arch == "llama" and self.experts else NAMES.get(self.arch, self.arch)
        if self.kind not in MODELS:
            raise Failure(f"no checkpoint is made of '{self.arch}'; of {', '.join(MODELS)} one is")

    def key(self, name):
        return self.fields[name].contents()

    def get(self, name, otherwise=None):
        name = f"{self.arch}.{name}"
        return self.key(name) if name in self.fields else otherwise

    def rows(self, name):
        import gguf

        tensor = self.tensors[name]
        return gguf.dequantize(tensor.data, tensor.tensor_type).astype("f4")


def scaling(f):
    """What the file says of RoPE's scaling, in Hugging Face's words; None if nothing."""
    kind, factor = f.get("rope.scaling.type", "linear"), f.get("rope.scaling.factor", 0)
    if "rope_freqs.weight" in f.tensors:
        raise Failure("rope_freqs.weight has no words in a checkpoint")
    if kind == "none" or factor in (0, 1):
        return None
    said = {"rope_type": kind, "type": kind, "factor": factor}
    for key, name in (("original_context_length", "original_max_position_embeddings"), ("yarn_beta_fast", "beta_fast"),
                      ("yarn_beta_slow", "beta_slow"), ("yarn_attn_factor", "attention_factor")):
        if f.get(f"rope.scaling.{key}") is not None:
            said[name] = f.get(f"rope.scaling.{key}")
    if kind == "yarn":
        said = {"beta_fast": 32.0, "beta_slow": 1.0, **said}
    if f.kind == "gpt_oss":
        said["truncate"] = False  # no key says it: so the published models have it
    return said


def experts(f):
    width = f.get("expert_feed_forward_length", f.get("feed_forward_length"))
    said = {"num_experts_per_tok": f.get("expert_used_count")}
    if f.kind in ("mixtral", "gpt_oss"):
        return {**said, "num_local_experts": f.experts, "intermediate_size": width}
    norm = f.get("expert_weights_norm", f.kind == "qwen3_moe")
    said.update(num_experts=f.experts, norm_topk_prob=norm)
    if f.kind == "olmoe":
        return {**said, "intermediate_size": width}
    return {**said, "moe_intermediate_size": width, "decoder_sparse_step": 1, "mlp_only_layers": [],
            "shared_expert_intermediate_size": f.get("expert_shared_feed_forward_length")}


def config(f):
    heads, hidden, layers = f.get("attention.head_count"), f.get("embedding_length"), f.get("block_count")
    head = f.get("attention.key_length", hidden // heads)
    said = {"architectures": [MODELS[f.kind]], "model_type": f.kind, "hidden_size": hidden, "num_hidden_layers": layers,
            "intermediate_size": f.get("feed_forward_length"), "num_attention_heads": heads, "head_dim": head,
            "num_key_value_heads": f.get("attention.head_count_kv", heads), "hidden_act": "silu",
            "rms_norm_eps": f.get("attention.layer_norm_rms_epsilon"), "vocab_size": len(f.rows("token_embd.weight")),
            "max_position_embeddings": f.get("context_length"), "tie_word_embeddings": "output.weight" not in f.tensors,
            "rope_theta": f.get("rope.freq_base", 10000.0), "rope_scaling": scaling(f), "attention_bias": f.kind == "gpt_oss",
            "sliding_window": None, "torch_dtype": "float32"}
    if f.experts:
        said.update(experts(f))
    if f.kind == "gpt_oss":
        said.update(sliding_window=f.get("attention.sliding_window"),
                    layer_types=["full_attention" if n % 2 else "sliding_attention" for n in range(layers)])
    if f.kind == "gemma3_text":
        said.update(sliding_window=f.get("attention.sliding_window"), query_pre_attn_scalar=head,
                    rope_local_base_freq=f.get("rope.freq_base_swa", 10000.0), sliding_window_pattern=6,
                    layer_types=["full_attention" if n % 6 == 5 else "sliding_attention" for n in range(layers)],
                    hidden_activation="gelu_pytorch_tanh")
    return said


def nested(said):
    """Base and scaling of RoPE where transformers writes them from version 5 on."""
    said = dict(said)
    rope = said.pop("rope_scaling") or {"rope_type": "default"}
    rope = {**rope, "rope_theta": said.pop("rope_theta")}
    if "rope_local_base_freq" in said:  # of gemma3, by kind of layer
        near = {"rope_type": "default", "rope_theta": said.pop("rope_local_base_freq")}
        rope = {"full_attention": rope, "sliding_attention": near}
    said["rope_parameters"] = rope
    return said


def halves(rows, heads):
    """Rows of q and k of `llama`, neighbours turned together, as those whose halves are."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def tensors(f):
    said = config(f)
    names = {**LAYER, **KINDS.get(f.kind, {})}
    for name in f.tensors:
        rows, part = f.rows(name), name.split(".")
        if f.kind == "gemma3_text" and part[-2].endswith("norm"):
            rows = rows - 1
        if part[0] != "blk":
            yield f"{OUTER[part[0]]}.{part[1]}", rows
            continue
        if f.arch == "llama" and part[2] in ("attn_q", "attn_k"):
            rows = halves(rows, said["num_attention_heads" if part[2] == "attn_q" else "num_key_value_heads"])
        if part[2] == "ffn_gate_inp_shexp":
            rows = rows.reshape(1, -1)
        to = f"model.layers.{part[1]}.{names[part[2]]}" + ("" if part[2] == "attn_sinks" else f".{part[3]}")
        if "{}" not in to:
            yield to, rows
            continue
        for e, one in enumerate(rows):
            yield to.format(e), one


def write(model, folder, newer, rows=None):
    """Into a folder that is there; newer is whether base and scaling are nested. `rows` gives the rows of a tensor by
    its name, where they are not to be what the file's blocks mean. Gives the File."""
    from safetensors.numpy import save_file

    f = File(model)
    f.rows = rows or f.rows
    save_file({name: rows.copy() for name, rows in tensors(f)}, os.path.join(folder, "model.safetensors"), {"format": "pt"})
    with open(os.path.join(folder, "config.json"), "x") as out:
        json.dump(nested(config(f)) if newer else config(f), out, indent=1)
    return f
