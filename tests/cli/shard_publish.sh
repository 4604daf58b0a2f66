#!/usr/bin/env bash
# pv evidence merge --publish: the joined run is published as one call would have published it, or not,
# and it is said why.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
contract up DRAFT "F_PASS_1 router.topk_rule PROPOSED" "F_PASS_2 names.resolve PROPOSED" "F_PASS_3 names.resolve PROPOSED"
contract down PROPOSED "F_PASS_4 router.topk_rule PROPOSED" "F_FAIL_5 names.resolve PROPOSED"
contract stuck PROPOSED "F_PASS_6 router.topk_rule PROPOSED" "F_SEGV_7 names.resolve PROPOSED"
repository_with() { git add contracts models && git -c user.name=t -c user.email=t@example.org commit -qm "$1"; }
repository_with contracts
merge() { run "$pv" evidence merge --probe "$fake" "$@"; }
# parts NAME ARGUMENT...: both parts of a contract, whose folders are then in `part`.
parts() {
  local k
  part=()
  for k in 1 2; do
    validate "contracts/$1.yaml" --shard $k/2 "${@:2}"
    part+=("$(sed -n 's|^ *report: *\(.*\)/report.md|\1|p' <<<"$out")")
  done
}

# What contradicts itself, and what is missing: nothing is published.
parts up
for call in "verify ${part[0]}" "show ${part[0]}"; do
  # shellcheck disable=SC2086
  run "$pv" evidence $call --publish
  exits 2
  warns '--publish is of pv evidence merge'
done
merge --publish "${part[@]}" --out x
exits 2
warns 'published evidence has one place'
merge --publish "${part[0]}"
exits 3
warns 'missing: part 2 of 2'
parts up --backend cpu
merge --publish "${part[@]}"
exits 2
warns 'a partial run is not published: pv validate'
parts up
echo more >>models/tiny-coder-moe-Q4_K_M.gguf
merge --publish "${part[@]}"
exits 2
warns 'the working tree differs from its commit: models/'
parts up
git checkout -q models
merge --publish "${part[@]}"
exits 2
warns "the parts are of the commit $(git rev-parse HEAD) (changed), and here is $(git rev-parse HEAD)"
same "$(ls reports)" runs 'what is written so far'

# A status is raised: evidence, amendment, version, as by one call but for times, ids and the call.
parts up
cp contracts/up.yaml before.yaml
merge --publish "${part[@]}"
exits 0
says 'the contract now says PROPOSED'
cp contracts/up.yaml joined.yaml
mv reports/published joined
verify() { run "$pv" evidence verify --probe "$fake" "$@"; }
cp before.yaml contracts/up.yaml
validate contracts/up.yaml --publish
exits 0
says 'the contract now says PROPOSED'
plain() { sed 's/2[0-9]*T[0-9]*Z-[0-9a-f]*/ID/' "$1"; }
same "$(plain joined.yaml)" "$(plain contracts/up.yaml)" 'the contract that merge has written'
python3 - joined/up/cpu reports/published/up/cpu <<'PY' && ok || bad 'what is published is another run'
import json, sys
def read(folder):
    e = json.load(open(folder + '/evidence.json'))
    for key in 'id', 'started', 'duration_s', 'command': del e['run'][key]
    for key in 'seal', 'files': del e[key]
    for f in e['falsifiers']: del f['duration_s']
    return json.dumps(e, sort_keys=True)
a, b = map(read, sys.argv[1:])
sys.exit(a != b or len(a) < 2000)
PY
same "$(ls joined/up/cpu)" "$(ls reports/published/up/cpu)" 'the files that are published'
rm -r reports/published && mv joined reports/published && cp joined.yaml contracts/up.yaml
verify reports/published/up/cpu
exits 0
says 'as written'
run "$pv" status --probe "$fake" contracts/up.yaml
exits 0
says 'supported by receipts'
run "$pv" lint contracts/up.yaml
exits 0

# The same parts are of another contract now; new ones confirm it, and take the place of the first.
merge --publish "${part[@]}"
exits 2
warns 'this is another contract than that of the parts'
git add reports/published
repository_with published
parts up
cp contracts/up.yaml before.yaml
merge --publish "${part[@]}" --json
exits 0
field 'd["published"]' True
same "$(cmp before.yaml contracts/up.yaml && ls reports/published/up)" cpu 'a confirmed contract'
merge --publish "${part[@]}"
exits 0
says 'published; the contract is as it was'

# What is false lowers a status; what breaks down supports nothing.
parts down
merge --publish "${part[@]}"
exits 1
says 'the contract now says DRAFT'
parts stuck
cp contracts/stuck.yaml before.yaml
merge --publish "${part[@]}"
exits 3
warns 'nothing was published: '
same "$(cmp before.yaml contracts/stuck.yaml && ls reports/published)" 'down
up' 'what is published'
same "$(ls reports/runs/stuck | grep -c '^2')" 1 'the run that was not published'
finish
