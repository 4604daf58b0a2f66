#!/usr/bin/env python3
"""A provider that misbehaves on request: of `run` by the parameter `mode`, of `describe` by the name
of its file."""
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.basename(sys.argv[0])


def say(text, end="\n"):
    sys.stdout.write(text + end)
    sys.stdout.flush()


def describe():
    mode = {"type": "name", "name": "mode", "about": "what it does", "default": "pass"}
    check = {"name": "do", "about": "It does as it is told.", "params": [mode]}
    said = {"protocol": "pv/provider/v1", "name": "abuse", "version": "1.0",
            "checks": [check, dict(check, name="sound", faults=["seen", "unseen", "late"]),
                       dict(check, name="model", needs=["model"])]}
    if HERE == "lies":
        said["name"] = "somebody"
    if HERE == "doubles":
        said["checks"].append(check)
    if HERE == "future":
        said["protocol"] = "pv/provider/v2"
    if HERE == "nothing":
        return
    if HERE == "sleeps":
        time.sleep(60)
    if HERE == "floods":
        say("x" * (3 << 20))
    if HERE == "falls":
        os.kill(os.getpid(), signal.SIGSEGV)
    if HERE == "leaves":
        print("a word\nat the exit", file=sys.stderr)
        sys.exit(3)
    say("PASS" if HERE == "garbles" else json.dumps(said))


def place(asked):
    """What is wrong with where it runs, or nothing."""
    if os.getcwd() != os.path.realpath(asked["folder"]):
        return "another folder"
    if os.listdir("."):
        return "the folder is not empty"
    if len(os.listdir("/proc/self/fd")) > 4:  # three, and the one that lists them
        return "more open files"
    if "PV_LEAK" in os.environ or os.environ["TMPDIR"] != asked["folder"]:
        return "the caller's environment"
    if os.getsid(0) != os.getpid():
        return "the caller's session"
    os.makedirs("deep/er")
    with open("deep/er/file", "w") as f:
        f.write("left")
    os.chmod("deep/er", 0)
    return ""


def litter(asked):
    """What is hard to remove: a deep tree, one of long names, folders that can not be written or
    read, a FIFO, and links out of the folder, which are not to be followed."""
    for names in (["d"] * 3000, ["n" * 250] * 30):
        os.chdir(asked["folder"])
        for name in names:
            os.mkdir(name)
            os.chdir(name)
        open("file", "w").close()
    os.chdir(asked["folder"])
    for mode in (0o500, 0o400, 0):
        os.makedirs(f"kept-{mode}/in")
        open(f"kept-{mode}/in/file", "w").close()
        os.chmod(f"kept-{mode}/in", mode)
        os.chmod(f"kept-{mode}", mode)
    os.mkfifo("fifo")
    outside = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[0])))
    os.symlink(os.path.join(outside, "outside"), "link")
    os.link(os.path.join(outside, "outside", "file"), "hard")
    os.symlink("/", "root")


def run():
    if HERE == "early":
        say(json.dumps({"type": "result", "nonce": "0" * 32, "id": "F_BEFORE", "verdict": "PASS",
                        "compared": 1}))
    asked = json.loads(sys.stdin.readline())
    mode, who = asked["with"]["mode"], {"nonce": asked["nonce"], "id": asked["id"]}
    answer = {"type": "result", **who, "verdict": "PASS", "compared": 10}
    if asked["fault"] == "seen":
        answer.update(verdict="FAIL", reason="the fault is seen")
    if asked["fault"] == "late":
        sys.exit(1)
    if mode == "fail":
        answer.update(verdict="FAIL", reason="3 of 10 differ", metrics={"worst": "inf"})
    if mode == "zero":
        answer["compared"] = 0
    if mode == "nan":
        answer["metrics"] = {"worst": "nan"}
    if mode == "number":
        answer["metrics"] = {"worst": float("nan")}  # Python writes NaN, which is no JSON
    if mode == "key":
        answer["needed_tolerence"] = 1.0
    if mode == "verdict":
        answer["verdict"] = "STALE"
    if mode == "id":
        answer["id"] = "F_SOMEBODY"
    if mode == "nonce":
        answer["nonce"] = "0" * 32
    if mode == "garbage":
        say("PASS")
    if mode == "bytes":
        os.write(1, b"\xff\xfe\n")
    if mode == "list":
        say("[1]")
    if mode == "deep":
        say("[" * 100000)
    if mode == "long":
        say("x" * (5 << 20))
    if mode == "endless":
        while True:
            say("x" * 65536, end="")
    if mode == "progress":
        while True:
            say(json.dumps({"type": "progress", **who, "done": 1, "total": 2}))
    if mode == "told":
        say(json.dumps({"type": "progress", **who, "done": 1, "total": 2}))
    if mode == "noise":
        sys.stderr.write("n" * (1 << 15) + "the end of the noise")
        answer.update(verdict="ERROR", reason="noisy")
    if mode == "silent":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if mode == "exit0":
        sys.exit(0)
    if mode == "exit3":
        sys.exit("something went wrong")
    if mode == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if mode in ("fork", "forkexit"):
        subprocess.Popen(["sleep", "61.25"], start_new_session=True)
        if mode == "forkexit":
            sys.exit(0)
    if mode == "place":
        wrong = place(asked)
        answer.update(verdict="FAIL" if wrong else "PASS", reason=wrong)
    if mode == "again":
        say(json.dumps(answer)[:-1] + ', "verdict": "FAIL"}')
    if mode == "self":
        with open(sys.argv[0], "a") as f:
            f.write("\n")
    if mode == "wordy":
        answer.update(verdict="FAIL", reason="r" * (1 << 20))
    if mode == "text":
        answer["worst"] = {"stage": "s", "layer": "1", "position": 0, "index": 0, "left": 1,
                           "right": 2}
    if mode == "untold":
        say(json.dumps({"type": "progress", **who, "done": "1", "total": 2}))
    if mode == "litter":
        litter(asked)
    if mode == "swap":
        os.rmdir(asked["folder"])
        os.symlink(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "..", "outside"),
                   asked["folder"])
    say(json.dumps(answer), end="" if mode == "unended" else "\n")
    if mode == "twice":
        say(json.dumps(answer))
    if mode == "after":
        say(json.dumps({"type": "progress", **who, "done": 2, "total": 2}))
    if mode == "stays":
        time.sleep(600)
    if mode == "late":
        sys.exit(5)


if sys.argv[1:] == ["describe"]:
    describe()
else:
    run()
