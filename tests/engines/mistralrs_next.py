#!/usr/bin/env python3
"""What mistral.rs tells of the next token, beside float64. Needs mistralrs, gguf and numpy.

    mistralrs_next.py next PV MODEL PROMPT ...   the largest distance of the logarithms of all probabilities, of each prompt in
                                            turn to one engine; 1 as exit code if one is larger than --within
        --within X   (1e-4)      --steps N   tokens that it goes on by itself (1)      --of FILE   float64's model (MODEL)
        --isq TYPE   weights that it rounds as it loads      --cache N   its prefix cache (16, as without this option)
    mistralrs_next.py places PV MODEL PROMPT     of a model of gpt-oss with one layer: the same distance if each token took the
                                            experts that are chosen for it, and if it took one alone, by its place
    mistralrs_next.py mxfp4 IN OUT               a file of gpt-oss in F32, with experts in MXFP4
    mistralrs_next.py one IN OUT                 the same file, where one expert is used
    mistralrs_next.py rounded IN OUT theirs|ocp  a file in F32 with matrices as --isq mxfp4 makes them, or by the rule of OCP
"""
import argparse
import os
import sys
import tempfile

import gguf
import numpy

sys.dont_write_bytecode = True
from beside import stages  # noqa: E402

LEVELS = numpy.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])  # of four bits
MIDDLES = (LEVELS[1:] + LEVELS[:-1]) / 2


def logarithms(logits):
    logits = logits - logits.max()
    return logits - numpy.log(numpy.exp(logits).sum())


def engine(model, isq=None, cache=16):
    """It writes what it does to standard output: that goes where errors go."""
    os.environ["MISTRALRS_CPU_KV_F32"] = "1"
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from mistralrs import ModelDType, Runner, Which

    with tempfile.NamedTemporaryFile("w", suffix=".jinja") as text_alone:
        text_alone.write("{% for m in messages %}{{ m.content }}{% endfor %}")
        text_alone.flush()
        file = Which.GGUF(quantized_model_id=os.path.dirname(os.path.realpath(model)),
                          quantized_filename=os.path.basename(model), dtype=ModelDType.F32)
        return Runner(which=file, jinja_explicit=text_alone.name, token_source="none", in_situ_quant=isq, prefix_cache_n=cache)


def told(runner, prompt, steps=1):
    """Of each step the logarithms of all probabilities, by token."""
    from mistralrs import ChatCompletionRequest

    answer = runner.send_chat_completion_request(ChatCompletionRequest(
        model="default", messages=[{"role": "user", "content": prompt}], max_tokens=steps, temperature=0.0, logprobs=True,
        top_logprobs=1 << 20, ignore_eos=True))
    rows = []
    for step in answer.choices[0].logprobs.content:
        by_token = {t.token: t.logprob for t in step.top_logprobs}
        rows.append(numpy.array([by_token[n] for n in range(len(by_token))]))
    return answer.usage.prompt_tokens, rows


def next_tokens(a):
    runner, far = engine(a.model, a.isq, a.cache), False
    for prompt in a.prompts:
        try:
            count, rows = told(runner, prompt, a.steps)
        except ValueError as error:
            print(f"ERROR {str(error).splitlines()[0]}")
            far = True
            continue
        _, ids = stages(a.pv, a.of or a.model, "--prompt", prompt, "--stage", "logits")
        if len(ids) != count:
            sys.exit(f"{count} tokens there, {len(ids)} here")
        later = [int(row.argmax()) for row in rows[:-1]]
        own, _ = stages(a.pv, a.of or a.model, "--ids", ",".join(map(str, ids + later)), "--stage", "logits")
        largest = max(numpy.abs(row - logarithms(right)).max() for row, right in zip(rows, own["logits"][count - 1:]))
        print(f"{count} tokens, {len(rows)} told: {largest:.2g}")
        far |= not largest <= a.within
    return int(far)


def matrices(path):
    return {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype("f8") for t in gguf.GGUFReader(path).tensors}


def places(a):
    """Stages before the experts are the same whatever they are, in a model with one layer."""
    _, (row,) = told(engine(a.model), a.prompt)
    s, ids = stages(a.pv, a.model, "--prompt", a.prompt)
    w, last = matrices(a.model), len(ids) - 1
    chosen, weights, h = s["moe_router_indices"].astype(int), s["moe_router"][last], s["ffn_norm"][last]
    epsilon = gguf.GGUFReader(a.model).fields["gpt-oss.attention.layer_norm_rms_epsilon"].contents()

    def distance(experts):
        out = s["attn_residual"][last].copy()
        for e, weight in zip(experts, weights):
            gate = numpy.minimum(w["blk.0.ffn_gate_exps.weight"][e] @ h + w["blk.0.ffn_gate_exps.bias"][e], 7)
            up = numpy.clip(w["blk.0.ffn_up_exps.weight"][e] @ h + w["blk.0.ffn_up_exps.bias"][e], -7, 7)
            hidden = gate / (1 + numpy.exp(-1.702 * gate)) * (up + 1)
            out += weight * (w["blk.0.ffn_down_exps.weight"][e] @ hidden + w["blk.0.ffn_down_exps.bias"][e])
        out *= w["output_norm.weight"] / numpy.sqrt((out * out).mean() + epsilon)
        return numpy.abs(row - logarithms(w.get("output.weight", w["token_embd.weight"]) @ out)).max()

    print(f"{len(ids)} tokens: its own experts {distance(chosen[last]):.2g}, "
          f"number {len(ids)} of the list {distance([chosen.reshape(-1)[last]] * len(weights)):.2g}")
    return 0


def copied(source, target, metadata, tensor):
    """A file with other values of `metadata`, and what tensor(tensor) gives: numbers and their type."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        kind = field.types[0]
        writer.add_key_value(name, metadata.get(name, field.contents()), kind,
                             field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    for t in reader.tensors:
        data, kind = tensor(t)
        writer.add_tensor(t.name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return 0


def as_it_is(t):
    return numpy.array(t.data), t.tensor_type


def experts_in_mxfp4(t):
    if not t.name.endswith("_exps.weight"):
        return as_it_is(t)
    kind = gguf.GGMLQuantizationType.MXFP4
    return gguf.quants.quantize(numpy.array(t.data), kind), kind


def rounded(rule):
    def tensor(t):
        data = numpy.array(t.data)
        if data.ndim < 2:
            return as_it_is(t)
        blocks = data.reshape(-1, 32).astype("f8")
        most = numpy.abs(blocks).max(1, keepdims=True)
        most[most == 0] = 1
        scale = 2.0 ** (numpy.floor(numpy.log2(most / 6)) if rule == "theirs" else numpy.floor(numpy.log2(most)) - 2)
        levels = LEVELS[numpy.searchsorted(MIDDLES, numpy.abs(blocks) / scale, side="right")]
        return (numpy.sign(blocks) * levels * scale).reshape(data.shape).astype("f4"), t.tensor_type
    return tensor


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = p.add_subparsers(dest="what", required=True)
    n = what.add_parser("next")
    n.add_argument("pv")
    n.add_argument("model")
    n.add_argument("prompts", nargs="+")
    n.add_argument("--within", type=float, default=1e-4)
    n.add_argument("--steps", type=int, default=1)
    n.add_argument("--of")
    n.add_argument("--isq")
    n.add_argument("--cache", type=int, default=16)
    for name, rest in (("places", ("pv", "model", "prompt")), ("mxfp4", ("source", "target")), ("one", ("source", "target")),
                       ("rounded", ("source", "target", "rule"))):
        q = what.add_parser(name)
        for argument in rest:
            q.add_argument(argument)
    a = p.parse_args()
    if a.what == "next":
        return next_tokens(a)
    if a.what == "places":
        return places(a)
    if a.what == "mxfp4":
        return copied(a.source, a.target, {}, experts_in_mxfp4)
    if a.what == "one":
        return copied(a.source, a.target, {"gpt-oss.expert_used_count": 1}, as_it_is)
    return copied(a.source, a.target, {}, rounded(a.rule))


sys.exit(main())
