#!/usr/bin/env python3
"""A provider of one check for contracts: docs/provider-protocol.md.

Put what you want to judge in the place of computed(), and what it must equal in that of expected().
Answers go to standard output; print what else you want to see to standard error."""
import json
import math
import sys

CHECKS = [{
    "name": "error",
    "about": "Each number that is computed is near the one that is expected.",
    "params": [{"name": "max_error", "about": "how far off, relative", "type": "number",
                "default": "1e-12", "min": 0, "max": 1, "unit": "", "loosens": "up"}],
    "faults": ["last_term_dropped"],
}]


def computed(n, fault):
    """Under test: 1 + 1/2 + ... + 1/n. A planted fault shows that the check can fail."""
    last = n - 1 if fault == "last_term_dropped" else n
    return sum(1 / k for k in range(1, last + 1))


def expected(n):
    return math.fsum(1 / k for k in range(1, n + 1))


def judge(max_error, fault):
    worst, at, compared = 0.0, 0, 0
    for n in range(1, 500):
        error = abs(computed(n, fault) - expected(n)) / expected(n)
        compared += 1
        if not error <= worst:  # a NaN, too
            worst, at = error, n
    held = worst <= max_error
    return {"verdict": "PASS" if held else "FAIL", "compared": compared,
            "reason": "" if held else f"n = {at} is off by {worst:g}, more than {max_error:g}",
            "metrics": {"max_error": worst if math.isfinite(worst) else str(worst)}}


if sys.argv[1:] == ["describe"]:
    print(json.dumps({"protocol": "pv/provider/v1", "name": "@NAME@", "version": "1.0",
                      "checks": CHECKS}))
elif sys.argv[1:] == ["run"]:
    asked = json.loads(sys.stdin.readline())
    answer = judge(asked["with"]["max_error"], asked["fault"])
    print(json.dumps({"type": "result", "nonce": asked["nonce"], "id": asked["id"], **answer}))
else:
    sys.exit("usage: @NAME@.py describe|run")
