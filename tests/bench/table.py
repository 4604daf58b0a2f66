#!/usr/bin/env python3
"""The table of tests/bench/peer.sh from what the runs of its rounds printed.

usage: table.py FOLDER ROUNDS REPEATS MODEL...

Prints it as Markdown, and writes FOLDER/peer.md and FOLDER/peer.json.
"""
import glob, json, os, statistics, sys


def load(pattern):
    """Of all files of a pattern the objects, lists of them one by one."""
    for path in sorted(glob.glob(glob.escape(os.path.dirname(pattern)) + "/" + os.path.basename(pattern))):
        with open(path) as f:
            data = json.load(f)
        yield from data if isinstance(data, list) else [data]


def of_pv(start):
    """What was measured, as (kind, size): median tokens/s of one round."""
    found = {}
    for o in load(start + "-pv*.json"):
        found.update({("prefill", p["prompt"]): p["tokens_per_s"]["median"] for p in o["prefill"]})
        if o["tokens"] > 1:
            found.update({("decode", d["context"]): d["tokens_per_s"]["median"] for d in o["decode"]})
    return found


def of_llama(start):
    found = {}
    for o in load(start + "-llama-*.json"):
        key = ("decode", o["n_depth"]) if o["n_gen"] > 0 else ("prefill", o["n_prompt"])
        found[key] = statistics.median(o["samples_ts"])
    return found


def figures(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def said(f, digits):
    return "{:.{n}f} ({:.{n}f} to {:.{n}f})".format(f["median"], f["min"], f["max"], n=digits)


def rows_of(folder, rounds, model):
    name = os.path.basename(model).removesuffix(".gguf")
    starts = [os.path.join(folder, "rounds", "%d-%s" % (r, name)) for r in range(1, rounds + 1)]
    ours, theirs = [of_pv(s) for s in starts], [of_llama(s) for s in starts]
    if not ours[0] or any(o.keys() != ours[0].keys() for o in ours + theirs):
        sys.exit("error: %s: pv and llama.cpp did not measure the same" % name)
    for kind, size in sorted(ours[0]):
        a, b = [[o[kind, size] for o in side] for side in (ours, theirs)]
        yield {"model": name, "what": kind, "size": size, "llama_cpp": figures(b), "pv": figures(a),
               "ratio": figures([x / y for x, y in zip(a, b)])}


def main():
    folder, rounds, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rows = [row for model in sys.argv[4:] for row in rows_of(folder, rounds, model)]
    with open(os.path.join(folder, "rounds", "versions")) as f:
        versions = f.read().splitlines()
    with open(os.path.join(folder, "rounds", "state")) as f:
        state = f.read().splitlines()
    lines = ["| model | what | llama.cpp, tokens/s | pv, tokens/s | pv of llama.cpp |", "|---|---|---|---|---|"]
    for r in rows:
        what = "decode after %d" if r["what"] == "decode" else "prefill of %d"
        lines.append("| %s | %s | %s | %s | %s |" % (r["model"], what % r["size"], said(r["llama_cpp"], 0),
                                                   said(r["pv"], 0), said(r["ratio"], 2)))
    lines += ["", "%d rounds of %d repeats in turn: median of the rounds' medians (least to largest)."
              % (rounds, repeats), ""]
    lines += ["- " + line.replace("\t", "; ") for line in versions + state]
    text = "\n".join(lines) + "\n"
    with open(os.path.join(folder, "peer.md"), "w") as f:
        f.write(text)
    with open(os.path.join(folder, "peer.json"), "w") as f:
        json.dump({"rounds": rounds, "repeats": repeats, "versions": versions, "state": state, "rows": rows}, f, indent=1)
        f.write("\n")
    print(text, end="")


main()
