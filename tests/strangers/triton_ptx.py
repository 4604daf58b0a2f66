"""PTX of one Triton kernel of somebody's file, without a GPU and without what else the file imports.

usage: triton_ptx.py SOURCE KERNEL OUT [--arch 80] [--warps 4] [--stages 2] NAME=TYPE|NAME=:VALUE...

The functions under @triton.jit stay on their lines, so that .loc names lines of SOURCE; the rest is left blank,
other decorators too. TYPE is Triton's ("*fp16", "i32", "i32/16": a multiple of 16); :VALUE is a constant, or tl.TYPE.
"""
import argparse
import ast
import importlib.util
import os
import pathlib
import sys


def jitted(node):
    return isinstance(node, ast.FunctionDef) and any("jit" in ast.unparse(d) for d in node.decorator_list)


def constant(node):
    """A value that kernels may name: NAME: tl.constexpr = tl.constexpr(...), or a literal."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    return "tl.constexpr" in ast.unparse(node.value) or isinstance(node.value, ast.Constant)


def functions(node):
    """The jitted functions and constants below a module, those in an `if` or `try` included."""
    for child in ast.iter_child_nodes(node):
        if jitted(child) or constant(child):
            yield child
        elif isinstance(child, (ast.If, ast.Try)):
            yield from functions(child)


def libdevice(tree):
    """The names of CUDA's library of device functions that the file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("libdevice"):
            yield from (alias.name for alias in node.names)


def stripped(source):
    tree = ast.parse(source)
    lines = source.split("\n")
    kept = [""] * len(lines)
    for node in functions(tree):
        indent = node.col_offset
        for i in range(node.lineno - 1, node.end_lineno):
            kept[i] = lines[i][indent:]
        if jitted(node):
            kept[node.lineno - 2] = "@triton.jit"
    imports = ["import triton", "import triton.language as tl", "from triton.language.extra import libdevice"]
    imports += [f"from triton.language.extra.libdevice import {name}" for name in sorted(set(libdevice(tree)))]
    kept[0] = "; ".join(imports)
    return "\n".join(kept)


def load(path, work):
    copy = pathlib.Path(work) / pathlib.Path(path).name
    copy.write_text(stripped(pathlib.Path(path).read_text()))
    spec = importlib.util.spec_from_file_location(copy.stem, copy)
    module = importlib.util.module_from_spec(spec)
    sys.modules[copy.stem] = module
    spec.loader.exec_module(module)
    return module


def main():
    p = argparse.ArgumentParser()
    p.add_argument("source"), p.add_argument("kernel"), p.add_argument("out"), p.add_argument("values", nargs="+")
    p.add_argument("--arch", type=int, default=80)
    p.add_argument("--warps", type=int, default=4)
    p.add_argument("--stages", type=int, default=2)
    a = p.parse_args()
    os.environ.setdefault("TRITON_CACHE_DIR", str(pathlib.Path(a.out).parent / "triton-cache"))
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    work = pathlib.Path(a.out).with_suffix(".d")
    work.mkdir(parents=True, exist_ok=True)
    fn = getattr(load(a.source, work), a.kernel)
    signature, constants, attributes = {}, {}, {}
    given = dict(v.split("=", 1) for v in a.values)
    missing = set(fn.arg_names) ^ set(given)
    if missing:
        sys.exit(f"{a.kernel}: parameters and arguments differ: {sorted(missing)}")
    for i, name in enumerate(fn.arg_names):
        value = given[name]
        if value.startswith(":"):
            signature[name] = "constexpr"
            is_type = value.startswith(":tl.")
            constants[name] = getattr(triton.language, value[4:]) if is_type else ast.literal_eval(value[1:])
            continue
        kind, _, divisor = value.partition("/")
        signature[name] = kind
        if kind.startswith("*") or divisor:
            attributes[(i,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=fn, signature=signature, constexprs=constants, attrs=attributes)
    target = GPUTarget("cuda", a.arch, 32)
    options = {"num_warps": a.warps, "num_stages": a.stages}
    compiled = triton.compile(source, target=target, options=options)
    pathlib.Path(a.out).write_text(compiled.asm["ptx"])
    print(f"{a.out}: {a.kernel}, shared {compiled.metadata.shared}, warps {compiled.metadata.num_warps}")


main()
