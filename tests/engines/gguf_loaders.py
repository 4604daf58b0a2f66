"""What loaders of GGUF files make of one: the packages' own code, run without what it needs of a GPU.

    gguf_loaders.py sglang PACKAGE gguf|checkpoint   what a file or a checkpoint makes it choose: how RoPE pairs the
                                             elements of a head, whether the weights of experts are divided by their sum
    gguf_loaders.py rows PACKAGE MODEL       whether it hands on the rows of q and k as they lie, and what it drops
    gguf_loaders.py ipex PACKAGE MODEL       the base of RoPE that its configuration gets
    gguf_loaders.py vllm PACKAGE             how vLLM pairs the elements of a head, of a file
    gguf_loaders.py plugin PACKAGE MODEL     whether vLLM's plugin for files hands on the rows of q and k as they lie
    gguf_loaders.py tied PACKAGE MODEL       whether that plugin takes the embedding for the output, of MODEL in one file and in two
    gguf_loaders.py gptqmodel PACKAGE        errors of weights that it packs, of some rms, beside those of the nearest numbers
                                             with the scales that it wrote; whether it decodes any bytes as gguf-py does

PACKAGE is the unpacked package. Modules that are not under test are stand-ins, which do nothing; those under test are read from PACKAGE.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import types
from unittest import mock

import numpy

SEEN = {}


class Hollow(type):
    """A class that stands for one of a module that is not there: any attribute, any index, any union."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return mock.MagicMock()

    def __getitem__(cls, item):
        return cls


class StandIn(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name[:1].isupper():
            body = {"__init__": lambda self, *a, **k: None, "__getattr__": lambda self, key: mock.MagicMock()}
            value = Hollow(name, (), body)
        elif name.startswith(("is_", "cpu_has_")):
            value = lambda *a, **k: False  # noqa: E731: is_cuda() and its like
        else:
            value = mock.MagicMock()
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules of these packages are stand-ins, but for those that are named as real."""

    def __init__(self, root, packages, real):
        self.root, self.packages, self.real = root, packages, real

    def find_spec(self, name, path=None, target=None):
        if name in self.real:
            at = f"{self.root}/{name.replace('.', '/')}.py"
            return importlib.util.spec_from_file_location(name, at)
        if name.split(".")[0] in self.packages:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return StandIn(spec.name)

    def exec_module(self, module):
        pass


def recorder(key, names):
    def record(*args, **kwargs):
        SEEN[key] = tuple(kwargs.get(name) for name in names)
        return mock.MagicMock()

    return record


def chosen(key, make):
    """What was recorded as KEY while make() ran, as far as it came: stand-ins do not carry a whole model."""
    try:
        make()
    except Exception:
        if key not in SEEN:
            raise
    return SEEN.pop(key)


def config(kind, **more):
    values = dict(model_type=kind, hidden_size=256, num_attention_heads=4, num_key_value_heads=2, head_dim=64,
                  intermediate_size=256, moe_intermediate_size=256, num_hidden_layers=2, num_experts=8,
                  num_experts_per_tok=2, max_position_embeddings=512, rms_norm_eps=1e-5, attention_multiplier=0.1,
                  residual_multiplier=1.0, hidden_act="silu", rope_theta=1e4, rope_scaling=None, sliding_window=None,
                  rope_parameters={"rope_theta": 1e4, "rope_type": "default"}, attention_bias=False, bias=False,
                  mlp_bias=False, layer_types=["full_attention"] * 2, norm_topk_prob=True)
    return types.SimpleNamespace(**{**values, **more})


MODELS = "sglang.srt.models."
QUANT = "sglang.srt.layers.quantization.gguf"


def sglang(root, of):
    packages = {"sglang", "sgl_kernel", "torch", "transformers", "triton", "einops", "gguf"}
    kinds = ("llama", "granite", "exaone4", "qwen3", "qwen3_moe")
    sys.meta_path.insert(0, Finder(root, packages, {QUANT, *(MODELS + kind for kind in kinds)}))
    rope = importlib.import_module("sglang.srt.layers.rotary_embedding")
    rope.get_rope = recorder("rope", ["is_neox_style"])
    importlib.import_module("sglang.srt.layers.moe.topk").TopK = recorder("topk", ["renormalize"])
    parallel = importlib.import_module("sglang.srt.runtime_context")
    for name in ("get_parallel", "get_exec"):
        sizes = mock.MagicMock(attn_tp_size=1, attn_tp_rank=0, tp_size=1, tp_rank=0, moe_tp_size=1, moe_ep_size=1)
        sizes.moe.ep_num_redundant_experts = 0
        setattr(parallel, name, lambda sizes=sizes: sizes)
    importlib.import_module("sglang.srt.configs.model_config").is_deepseek_nsa = lambda config: False
    file = importlib.import_module(QUANT).GGUFConfig()
    load = {kind: importlib.import_module(MODELS + kind) for kind in kinds}
    quant = {"gguf": file, "checkpoint": None}[of]
    made = {
        "llama": lambda: load["llama"].LlamaDecoderLayer(config("llama"), layer_id=0, quant_config=quant),
        "granite": lambda: load["granite"].GraniteDecoderLayer(config("granite"), layer_id=0, quant_config=quant),
        "exaone4": lambda: load["exaone4"].Exaone4Attention(config("exaone4"), 256, 4, 2, layer_id=0, quant_config=quant),
        "qwen3": lambda: load["qwen3"].Qwen3Attention(256, 4, 2, head_dim=64, quant_config=quant),
    }
    for kind, make in made.items():
        (halves,) = chosen("rope", make)
        print(kind, "halves" if halves in (None, True) else "neighbours")  # True is get_rope's default
    (divided,) = chosen("topk", lambda: load["qwen3_moe"].Qwen3MoeSparseMoeBlock(0, config("qwen3_moe"), quant_config=quant))
    print("qwen3moe", "divided" if divided else "as they are")


def vllm(root):
    models = "vllm.model_executor.models."
    kinds = ("llama", "granite", "exaone4", "qwen3")
    packages = {"vllm", "torch", "transformers", "triton", "einops", "regex"}
    sys.meta_path.insert(0, Finder(root, packages, {models + kind for kind in kinds}))
    importlib.import_module("torch.nn")  # a class beside others that stand in
    rope = importlib.import_module("vllm.model_executor.layers.rotary_embedding")
    rope.get_rope = recorder("rope", ["is_neox_style"])
    importlib.import_module("vllm.distributed").get_tensor_model_parallel_world_size = lambda: 1
    load = {kind: importlib.import_module(models + kind) for kind in kinds}
    more = {"quant_config": types.SimpleNamespace(get_name=lambda: "gguf"), "prefix": "model.layers.0.self_attn"}
    made = {
        "llama": lambda: load["llama"].LlamaAttention(config("llama"), 256, 4, 2, **more),
        "granite": lambda: load["granite"].GraniteAttention(config("granite"), 256, 4, 2, **more),
        "exaone4": lambda: load["exaone4"].Exaone4Attention(config("exaone4"), 256, 4, 2, **more),
        "qwen3": lambda: load["qwen3"].Qwen3Attention(256, 4, 2, config("qwen3").rope_parameters, head_dim=64, **more),
    }
    for kind, make in made.items():
        (halves,) = chosen("rope", make)
        print(kind, "halves" if halves in (None, True) else "neighbours")  # True is get_rope's default


def adapter(root):
    """The plugin's way from a file's tensors to vLLM's, and its reader of files, with arrays of numpy for tensors."""
    real = {"vllm_gguf_plugin." + name for name in ("weight_utils", "weights_adapter.base", "weights_adapter.default")}
    packages = {"vllm_gguf_plugin", "vllm", "torch", "transformers", "huggingface_hub", "regex"}
    sys.meta_path.insert(0, Finder(root, packages, real))
    load = importlib.import_module("vllm_gguf_plugin.weight_utils")
    load.torch.tensor = lambda value: numpy.asarray(value)
    kind = importlib.import_module("vllm_gguf_plugin.weights_adapter.default").GGUFWeightsAdapter
    return load, kind(config("llama"))


def plugin(root, model):
    import gguf

    load, made = adapter(root)
    names = {f"blk.0.attn_{part}.weight": f"{part}_proj.weight" for part in "qk"}
    got = dict(made.map_weights(load.gguf_quant_weights_iterator_multi([model], names)))
    file = {tensor.name: tensor.data for tensor in gguf.GGUFReader(model).tensors}
    for name, hf in names.items():
        print(name, "as in the file" if numpy.array_equal(got[hf], file[name]) else "in another order")


def tied(root, model):
    import gguf

    _, made = adapter(root)
    names = {"token_embd.weight": "model.embed_tokens.weight", "output.weight": "lm_head.weight"}
    file = {tensor.name: tensor.data for tensor in gguf.GGUFReader(model).tensors}
    with tempfile.TemporaryDirectory() as folder:
        for parts in ([list(names)], [[name] for name in names]):
            paths = [str(pathlib.Path(folder, f"m-{i + 1:05}-of-{len(parts):05}.gguf")) for i in range(len(parts))]
            for path, part in zip(paths, parts):
                writer = gguf.GGUFWriter(path, "llama")
                for name in part:
                    writer.add_tensor(name, file[name])
                writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
            said = {}
            made.update_tie_word_embeddings(paths[0], said, names)
            print(len(parts), "tied" if said["tie_word_embeddings"] else "not tied")


def rows(root, model):
    import gguf

    packages = {"sglang", "torch", "transformers", "huggingface_hub", "safetensors", "tqdm", "filelock", "pydantic",
                "requests", "psutil", "fastsafetensors", "msgspec"}
    real = "sglang.srt.model_loader.weight_utils"
    sys.meta_path.insert(0, Finder(root, packages, {real}))
    load = importlib.import_module(real)
    load.torch.tensor = lambda value: numpy.asarray(value)
    names = {f"blk.0.attn_{part}.weight": f"{part}_proj.weight" for part in "qk"}
    got = dict(load.gguf_quant_weights_iterator(model, names))
    file = {tensor.name: tensor.data for tensor in gguf.GGUFReader(model).tensors}
    for name, hf in names.items():
        print(name, "as in the file" if numpy.array_equal(got[hf], file[name]) else "in another order")
    if "rope_freqs.weight" in file:
        print("rope_freqs.weight", "read" if any("rope" in key for key in got) else "dropped")


def ipex(root, model):
    packages = {"ipex_llm", "torch", "transformers", "accelerate", "tqdm"}
    base = "ipex_llm.transformers.gguf."
    sys.meta_path.insert(0, Finder(root, packages, {base + "gguf", base + "models.llama", base + "models.mistral"}))
    kept = ("rms_norm_eps", "rope_theta", "rope_scaling")
    hub = importlib.import_module("transformers")
    file = importlib.import_module(base + "gguf").GGUFFileLoader(model)
    file.tensor_loader = mock.MagicMock()
    file.tokenizer_pieces = lambda: []
    for key in ("bos", "eos"):
        file.config.setdefault(f"tokenizer.ggml.{key}_token_id", 1)
    said = (f"{key}={file.config[f'llama.{key}']:.6g}" for key in ("rope.freq_base", "attention.layer_norm_rms_epsilon"))
    print("file", *said)
    for kind in ("Llama", "Mistral"):
        setattr(hub, f"{kind}Config", recorder("config", kept))
        module = importlib.import_module(f"{base}models.{kind.lower()}")
        got = chosen("config", lambda: getattr(module, f"load_gguf_{kind.lower()}")(file))
        print(kind, *(f"{key}={value if value is None else format(value, '.6g')}" for key, value in zip(kept, got)))


def scales(packed, kind, module):
    """The step of each element, and what is taken off it, as float32, of rows of one block."""

    def half(at):
        return packed[:, at : at + 2].copy().view("f2").astype("f4")

    if kind == "Q6_K":
        step = half(208) * packed[:, 192:208].copy().view("i1").astype("f4")
        return numpy.repeat(step, 16, axis=1), numpy.float32(0)
    step, taken = module._unpack_q4_k_scale_min(packed[:, 4:16])
    return numpy.repeat(half(0) * step, 32, axis=1), numpy.repeat(half(2) * taken, 32, axis=1)


def gptqmodel(root):
    import gguf

    real = "gptqmodel.nn_modules.qlinear.gguf"
    sys.meta_path.insert(0, Finder(root, {"gptqmodel", "torch", "transformers"}, {real}))
    module = importlib.import_module(real)
    random = numpy.random.default_rng(1)
    ends = {"Q4_K": (0, 15), "Q5_K": (0, 31), "Q6_K": (-32, 31)}
    for kind, (low, high) in ends.items():
        for rms in (2e-2, 1e-3, 2e-4):
            weights = (random.standard_normal((256, 256)) * rms).astype("f4")
            packed = module._quantize_gguf_tensor_numpy(weights, kind)
            step, taken = scales(packed, kind, module)
            nearest = step * numpy.clip(numpy.rint((weights + taken) / numpy.where(step > 0, step, 1)), low, high) - taken
            got = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType[kind])
            errors = (numpy.linalg.norm(value - weights) / numpy.linalg.norm(weights) for value in (got, nearest))
            print(kind, rms, *(f"{error:.3f}" for error in errors))
    for kind in (*ends, "TQ1_0", "TQ2_0", "MXFP4", "NVFP4"):
        number = gguf.GGMLQuantizationType[kind]
        data = random.integers(0, 256, (64, gguf.GGML_QUANT_SIZES[number][1]), dtype=numpy.uint8)
        with numpy.errstate(all="ignore"):
            pair = getattr(module, f"_dequantize_{kind.lower()}_numpy")(data.copy()), gguf.quants.dequantize(data, number)
        print(kind, "decoded alike" if numpy.array_equal(*pair, equal_nan=True) else "decoded otherwise")


if __name__ == "__main__":
    {f.__name__: f for f in (sglang, rows, vllm, plugin, tied, ipex, gptqmodel)}[sys.argv[1]](*sys.argv[2:4])
