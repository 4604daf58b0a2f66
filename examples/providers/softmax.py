#!/usr/bin/env python3
"""A provider of checks (docs/provider-protocol.md): is a softmax in float32 what it claims to be?

Put your own function in the place of softmax(): the rest is how it is judged and how it is told."""
import json
import math
import random
import struct
import sys

FAULTS = ["max_not_subtracted", "last_dropped"]


def number(name, about, default, most):
    return {"name": name, "about": about, "type": "number", "default": default, "min": 0,
            "max": most, "unit": "", "loosens": "up"}


CHECKS = [
    {"name": "sum", "about": "Each row of a softmax adds up to 1, near enough.",
     "params": [number("tolerance", "how far from 1", "1e-6", 1)], "faults": FAULTS},
    {"name": "reference", "about": "Each weight is that of a softmax in float64, near enough.",
     "params": [number("max_error", "how far off", "1e-6", 1)], "faults": FAULTS},
]


def f32(x):
    """x as a float32 has it."""
    try:
        return struct.unpack("f", struct.pack("f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


def softmax(row, fault):
    """The function under test."""
    top = 0.0 if fault == "max_not_subtracted" else max(row)
    powers = [f32(math.exp(f32(x - top))) for x in row]
    total = 0.0
    for p in powers[:-1] if fault == "last_dropped" else powers:
        total = f32(total + p)
    return [f32(p / total) if total else math.nan for p in powers]


def rows():
    """Rows of every length up to 64 and some beyond, small numbers and large ones; always the same."""
    dice = random.Random(1)
    for length in [*range(1, 65), 127, 128, 1000]:
        for size in (1, 10, 100):
            yield [f32(dice.uniform(-size, size)) for _ in range(length)]


def reference(row):
    powers = [math.exp(x - max(row)) for x in row]
    total = math.fsum(powers)
    return [p / total for p in powers]


def judge(request):
    """Every difference, the largest of them and where it is."""
    check, worst, compared = request["check"], None, 0
    limit = request["with"]["tolerance" if check == "sum" else "max_error"]
    for at, row in enumerate(rows()):
        got = softmax(row, request["fault"])
        pairs = [(math.fsum(got), 1.0)] if check == "sum" else list(zip(got, reference(row)))
        for index, (left, right) in enumerate(pairs):
            compared += 1
            error = abs(left - right)
            rank = math.inf if math.isnan(error) else error  # a NaN is the worst of all
            if worst is None or rank > worst[0]:
                worst = (rank, at, index, left, right)
    error, at, index, left, right = worst
    held = error <= limit
    return {"verdict": "PASS" if held else "FAIL", "compared": compared,
            "reason": "" if held else f"row {at} is off by {error:g}, more than {limit:g}",
            "metrics": {"max_error": told(error)}, "needed_tolerance": told(error),
            "worst": {"stage": "softmax", "layer": -1, "position": at, "index": index,
                      "left": told(left), "right": told(right)}}


def told(x):
    """JSON has no number for what is none: it is told in words."""
    return x if math.isfinite(x) else str(x)


if sys.argv[1:] == ["describe"]:
    print(json.dumps({"protocol": "pv/provider/v1", "name": "softmax", "version": "1.0",
                      "checks": CHECKS}))
elif sys.argv[1:] == ["run"]:
    asked = json.loads(sys.stdin.readline())
    print(json.dumps({"type": "result", "nonce": asked["nonce"], "id": asked["id"], **judge(asked)}))
else:
    sys.exit("usage: softmax.py describe|run")
