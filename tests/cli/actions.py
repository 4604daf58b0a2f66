#!/usr/bin/env python3
"""Runs a composite action, or the job of a GitLab snippet, as their runners would here.

actions.py github ACTION.yml FOLDER [INPUT=VALUE...]    in FOLDER; prints outputs, "NAME=VALUE" each, and
                                                        leaves the summary in $GITHUB_STEP_SUMMARY
actions.py workflow FILE.yml FOLDER             its jobs, each over a copy of FOLDER of its own; artifacts are
                                                folders below $RUNNER_TEMP
actions.py gitlab SNIPPET.yml FOLDER [VARIABLE=VALUE...]
The exit code is that of the first step that fails."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml


def filled(text, values):
    """Expressions, of which only names are used; one that means nothing is an error."""
    def value(match):
        if match[1] not in values:
            sys.exit(f"actions.py: nothing is known of {match[0]}")
        return values[match[1]]
    return re.sub(r"\$\{\{ *([a-z0-9_.-]+) *\}\}", value, str(text))


def outputs_of(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def github(file, folder, given):
    action = yaml.safe_load(file.read_text())
    if action["runs"]["using"] != "composite":
        sys.exit("actions.py: not a composite action")
    for name in given:
        if name not in action["inputs"]:
            sys.exit(f"actions.py: the action has no input {name}")
    values = {"github.action_path": str(file.parent)}
    for name, about in action["inputs"].items():
        values[f"inputs.{name}"] = given.get(name, str(about["default"]))
    code = 0
    for step in action["runs"]["steps"]:
        scratch = pathlib.Path(tempfile.mkdtemp(dir=os.environ["RUNNER_TEMP"]))
        script, output = scratch / "step.sh", scratch / "output"
        script.write_text(filled(step["run"], values))
        output.touch()
        if step["shell"] != "bash":
            sys.exit("actions.py: another shell than bash")
        environment = {**os.environ, "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_WORKSPACE": folder,
                       "GITHUB_OUTPUT": str(output)}
        environment.update({k: filled(v, values) for k, v in step.get("env", {}).items()})
        code = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                              cwd=folder, env=environment, check=False, stdout=sys.stderr).returncode
        for name, value in outputs_of(output).items():
            values[f"steps.{step['id']}.outputs.{name}"] = value
        if code != 0:
            break
    for name, about in action["outputs"].items():
        wanted = re.fullmatch(r"\$\{\{ *(.*?) *\}\}", about["value"])[1]
        print(f"{name}={values.get(wanted, '')}")
    return code


def artifact(step, values, workspace, store):
    """upload-artifact and download-artifact, of which the names of folders matter."""
    given = {k: filled(v, values) for k, v in step["with"].items()}
    path = workspace / given["path"]
    if "upload" in step["uses"]:
        if path.is_dir():
            shutil.copytree(path, store / given["name"])
        return 0 if path.is_dir() or "if-no-files-found" not in given else 1
    for folder in store.glob(given["pattern"]):
        shutil.copytree(folder, path / folder.name)
    return 0


def run_job(job, values, folder, store):
    workspace = pathlib.Path(tempfile.mkdtemp(dir=os.environ["RUNNER_TEMP"])) / "workspace"
    environment = {**os.environ, "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_WORKSPACE": str(workspace)}
    code = 0
    for step in job["steps"]:
        if code != 0 and step.get("if") != "always()":
            continue
        if step.get("uses", "").startswith("actions/checkout@"):
            shutil.copytree(folder, workspace, symlinks=True)
            now = 0
        elif "uses" in step:
            now = artifact(step, values, workspace, store)
        else:
            now = subprocess.run(["bash", "-eo", "pipefail", "-c", filled(step["run"], values)], cwd=workspace,
                                 env=environment, check=False, stdout=sys.stderr).returncode
        code = code or now
    return code


def workflow(file, folder, given):
    jobs = yaml.safe_load(file.read_text())["jobs"]
    store = pathlib.Path(tempfile.mkdtemp(dir=os.environ["RUNNER_TEMP"]))
    codes = {}
    for name, job in jobs.items():  # each after those that it needs, in the order of the file
        needs = job.get("needs")
        if needs is not None and codes[needs] != 0 and job.get("if") != "always()":
            continue
        ((axis, indices),) = job.get("strategy", {"matrix": {"index": [0]}})["matrix"].items()
        each = [run_job(job, {f"matrix.{axis}": str(i)}, folder, store) for i in indices
                if f"{name}.{i}" not in given.get("dies", "").split(",")]
        codes[name] = max(each)
        print(f"{name}={codes[name]} runs={len(each)}")
    print(f"artifacts={store}")
    return codes[name]


def gitlab(file, folder, given):
    jobs = yaml.safe_load(file.read_text())
    (job,) = [value for key, value in jobs.items() if not key.startswith(".")]
    whole = {**jobs[job["extends"]], **job}
    environment = {**os.environ, "CI": "true", "GITLAB_CI": "true"}
    environment.update({k: str(v) for k, v in whole["variables"].items()})
    environment.update(given)
    script = "set -eo pipefail\n" + "\n".join(whole["script"])
    code = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, check=False).returncode
    junit = whole["artifacts"]["reports"]["junit"].replace("$PV_OUT", environment["PV_OUT"])
    if not (pathlib.Path(folder) / junit).is_file():
        sys.exit(f"actions.py: the job has no {junit}")
    allowed = whole.get("allow_failure", {}).get("exit_codes")
    print(f"allowed={'yes' if code == allowed else 'no'}")
    return code


def main():
    kind, file, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    given = dict(word.split("=", 1) for word in sys.argv[4:])
    return {"github": github, "gitlab": gitlab, "workflow": workflow}[kind](file, folder, given)


sys.exit(main())
