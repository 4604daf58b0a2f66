#!/usr/bin/env bash
# pv campaign: what it writes is executed, with GNU parallel and as a runner of GitHub would; parts die, are
# run again and twice at once, and nothing is lost or counted twice.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
contract up PROPOSED "F_PASS_1 router.topk_rule PROPOSED" "F_PASS_2 names.resolve PROPOSED" \
  "F_PASS_3 router.topk_rule PROPOSED"
contract down DRAFT "F_FAIL_4 router.topk_rule PROPOSED" "F_PASS_5 names.resolve PROPOSED"
cp models/tiny-coder-moe-Q4_K_M.gguf 'models/an other.gguf'
commit() { git add -A && git -c user.name=t -c user.email=t@example.org commit -qm "$1"; }
commit contracts
campaign() { run "$pv" campaign --probe "$fake" "$@"; }

campaign --parts 2 --out c
exits 2
warns 'name contracts'
campaign contracts/up.yaml --out c
exits 2
warns 'into how many parts'
campaign contracts/up.yaml --parts 0 --out c
exits 2
campaign contracts/up.yaml --parts 2
exits 2
warns 'where the scripts go'
campaign contracts/up.yaml --parts 2 --out /tmp/outside.$$
exits 2
warns 'does not lie below this folder'
if [ -e /tmp/outside.$$ ]; then bad 'a folder that was refused is left'; else ok; fi
campaign contracts/up.yaml contracts/up.yaml --parts 2 --out c
exits 2
warns 'named twice'
campaign contracts/up.yaml --model nowhere.gguf --parts 2 --out c
exits 2
warns "no file 'nowhere.gguf'"
sed 's/needed_for: PROPOSED/needed_for: NOTHING/' contracts/up.yaml >wrong.yaml
campaign wrong.yaml --parts 2 --out c
exits 2
rm wrong.yaml
campaign contracts/nowhere.yaml --parts 2 --out c
exits 2
same "$(ls -d c 2>&1 | grep -c 'No such')" 1 'a folder after calls that were refused'

# Two contracts, two models, one of them with a blank in its name.
campaign contracts --model "models/tiny-coder-moe-Q4_K_M.gguf,models/an other.gguf" --parts 2 --out c
exits 0
says '2 contracts, 2 models, 2 parts of each: 4 tasks'
campaign contracts --parts 2 --out c
exits 2
warns "there is something at 'c'"
for script in c/*.sh; do
  if bash -n "$script"; then ok; else bad "$script"; fi
done
if command -v shellcheck >/dev/null; then
  run shellcheck -x -e SC1091,SC2154 c/*.sh
  exits 0
fi
# runs FOLDER: contract, model, verdicts and exit code of each run, without ids and times.
runs() {
  python3 - "$1" <<'PY'
import glob, json, sys
for path in sorted(glob.glob(sys.argv[1] + '/*/2*/evidence.json')):
    e = json.load(open(path))
    print(e['contract']['name'], e['run']['exit_code'], e['model'].get('path'), *[f['verdict'] for f in e['falsifiers']])
PY
}
want='down 1 models/an other.gguf FAIL PASS
down 1 models/tiny-coder-moe-Q4_K_M.gguf FAIL PASS
up 0 models/an other.gguf PASS PASS PASS
up 0 models/tiny-coder-moe-Q4_K_M.gguf PASS PASS PASS'
# From elsewhere: the scripts find the tree.
(cd / && bash "$work/c/parallel.sh" -j 2 >"$work/said" 2>&1)
same "$?" 1 'parallel.sh: the worst of the runs'
same "$(runs c/runs | sort)" "$want" 'the runs that parallel.sh makes'
same "$(find c/parts -maxdepth 1 -name '.*' -o -name 'part-*' | sort | xargs)" \
  'c/parts/part-0 c/parts/part-1 c/parts/part-2 c/parts/part-3' 'parts'
# As one call without parts would have it.
validate contracts/up.yaml --model models/tiny-coder-moe-Q4_K_M.gguf --out one
same "$(runs one)" 'up 0 models/tiny-coder-moe-Q4_K_M.gguf PASS PASS PASS' 'one call'
# Again: nothing is judged twice, and the runs are the same.
before=$(find c -name evidence.json -exec sha256sum {} + | sort)
run bash c/parallel.sh
exits 1
same "$(find c -name evidence.json -exec sha256sum {} + | sort)" "$before" 'the campaign, once more'
run bash c/part.sh 4
exits 2
warns 'INDEX is from 0 to 3'
run bash c/part.sh ''
exits 2
# A part that died is named, and run again: by three at once it is one part.
rm -r c/parts/part-0
run bash c/merge.sh
warns 'parts that nobody judged: 0;'
warns 'missing: part 1 of 2'
for _ in 1 2 3; do bash c/part.sh 0 >/dev/null 2>&1 & done
wait
same "$(find c/parts/part-0 -path '*up*' -name evidence.json | wc -l)" 1 'part 0, judged by three at once'
same "$(find c/parts -maxdepth 1 -name '.*' | wc -l)" 0 'attempts that are left'
rm -r c/runs
run bash c/merge.sh
exits 1
same "$(runs c/runs | sort)" "$want" 'the runs after a part that died'
# Killed in the middle it leaves no part.
rm -r c/parts/part-1
printf '#!/bin/sh\nkill -9 $PPID\n' >killer && chmod +x killer
{ run env PV="$work/killer" bash c/part.sh 1; } 2>/dev/null # bash would tell of it
if [ -e c/parts/part-1 ]; then bad 'a part of a call that was killed'; else ok; fi
run env PV=/nowhere/pv bash c/part.sh 1
if [ "$code" -gt 100 ] && [ ! -e c/parts/part-1 ]; then ok; else bad "exit $code without a pv"; fi
run bash c/part.sh 1
exits 0

# The workflow: four jobs and one that joins them.
rm -r c one
campaign contracts --model "models/tiny-coder-moe-Q4_K_M.gguf,models/an other.gguf" --parts 2 --out 'the campaign'
exits 0
export RUNNER_TEMP=$work/temp
mkdir temp
rm -rf 'the campaign/parts' && commit campaign
python=python3
"$python" -c 'import yaml' 2>/dev/null || python=/usr/bin/python3
git clone -q "$work" tree
run env PV="$pv" "$python" "$here/actions.py" workflow 'tree/the campaign/github.yml' "$work/tree"
exits 1
says 'part=0 runs=4'
says 'merge=1'
same "$(runs "$(sed -n 's/^artifacts=//p' <<<"$out")/runs" | sort)" "$want" 'the runs of the workflow'
# One of the four never ran.
run env PV="$pv" "$python" "$here/actions.py" workflow 'tree/the campaign/github.yml' "$work/tree" dies=part.3
says 'part=0 runs=3'
warns 'parts that nobody judged: 3;'
exits 1

# Where a falsifier asks for a GPU, so do the scripts; else they do not.
same "$(grep '^gpu=' 'the campaign/plan.sh')" gpu= 'no GPU'
cd "$root" || exit 1
out_folder=build-campaign.$$
run "$pv" campaign contracts/qwen3-moe-forward-gpu-v1.yaml --parts 8 --out "$out_folder"
exits 0
says 'on a GPU'
same "$(grep -c '^gpu=1' "$out_folder/plan.sh") $(grep -c 'self-hosted, gpu' "$out_folder/github.yml")" '1 2' 'a GPU'
# A side of Vulkan may be a device of software; `device: gpu` may not.
run "$pv" campaign contracts/qwen3-moe-forward-vulkan-v1.yaml --parts 2 --out "$out_folder/vulkan"
exits 0
same "$(grep -c '^gpu=1' "$out_folder/vulkan/plan.sh")" 1 'a GPU of any make'
printf '#!/bin/sh\necho "$@" >>%s/sbatch\necho 7\n' "$work" >"$work/sbatch.sh"
mkdir "$work/bin" && mv "$work/sbatch.sh" "$work/bin/sbatch" && chmod +x "$work/bin/sbatch"
PATH=$work/bin:$PATH run bash "$out_folder/slurm.sh" --partition=p
exits 0
same "$(grep -c -- '--array=0-7 .*--gres=gpu:1 --partition=p' "$work/sbatch")" 1 'the array'
same "$(grep -c -- '--requeue.*--dependency=afterany:7' "$work/sbatch")" 1 'what joins the parts'
# Its costs are those of what is published, and a copy.
if cmp -s "$out_folder"/costs/*/latest/evidence.json reports/published/qwen3-moe-forward-gpu-v1/*/evidence.json; then ok; else bad costs; fi
rm -rf "$out_folder"
cd "$work" || exit 1
finish
