#!/usr/bin/env bash
# pv validate --shard and pv evidence merge: each falsifier is in one part, no part passes for a run, the
# parts make the run, byte by byte, and parts of two runs make none.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
contract up PROPOSED "F_PASS_1 router.topk_rule PROPOSED" "F_PASS_2 names.resolve PROPOSED" \
  "F_PASS_3 router.topk_rule PROPOSED" "F_PASS_4 names.resolve PROPOSED" "F_PASS_5 router.topk_rule PROPOSED"
contract down DRAFT "F_PASS_6 router.topk_rule PROPOSED" "F_FAIL_7 names.resolve PROPOSED"
contract stuck PROPOSED "F_PASS_8 router.topk_rule PROPOSED" "F_SEGV_9 names.resolve PROPOSED"
repository_with() { git add -A && git -c user.name=t -c user.email=t@example.org commit -qm "$1"; }
repository_with contracts

# What contradicts itself.
for shard in 0/3 4/3 x 3 3/ /3 1/5000 -1/3 1/3/5; do
  validate contracts/up.yaml --shard "$shard"
  exits 2
  warns "not '$shard'"
done
validate contracts/up.yaml --shard 1/2 --only AC_1
exits 2
warns 'leave out --only or --shard'
validate contracts/up.yaml --shard 1/2 --publish
exits 2
warns 'a part of a run is not published'
validate --model models/tiny-coder-moe-Q4_K_M.gguf --shard 1/2
exits 2
warns 'none was named'
validate contracts/up.yaml --costs reports
exits 2
warns 'add --shard K/N'
validate contracts/up.yaml --shard 1/2 --costs nowhere
exits 2
warns "no folder 'nowhere'"
same "$(find . -name parts)" '' 'parts after calls that were refused'

# in_part: those that the JSON on standard output has judged.
in_part() {
  python3 -c 'import json,sys
text, at, out = sys.stdin.read(), 0, []
while text[at:].strip():
    at += len(text[at:]) - len(text[at:].lstrip())
    d, at = json.JSONDecoder().raw_decode(text, at)
    out += [f["id"] for f in d["falsifiers"] if f["reason"] != "in another part"]
print(*sorted(out))' <<<"$out"
}
# Each is in one part, whatever the order of the contracts is, and a second time in the same one.
all=''
for k in 1 2 3; do
  validate contracts/up.yaml contracts/down.yaml --shard $k/3 --json --out a
  first=$(in_part)
  validate contracts/down.yaml contracts/up.yaml --shard=$k/3 --json --out b
  same "$(in_part)" "$first" "part $k once more"
  all+="$first "
done
same "$(tr ' ' '\n' <<<"$all" | sort | xargs)" \
  'F_FAIL_7 F_PASS_1 F_PASS_2 F_PASS_3 F_PASS_4 F_PASS_5 F_PASS_6' 'the falsifiers of all parts'

# A part is called one, by its exit code about itself alone.
for k in 1 2 3; do
  validate contracts/up.yaml --shard $k/3
  exits 0
  says "Part $k of 3 of a run, and no run"
  silent Verified
  part[k]=$(sed -n 's|^ *report: *\(.*\)/report.md|\1|p' <<<"$out")
done
same "$(ls reports/runs/up)" parts 'what lies beside the parts: no run, no latest'
run "$pv" evidence verify --probe "$fake" "${part[1]}"
exits 0
says 'as written'
run "$pv" evidence show "${part[1]}"
says 'Part 1 of 3'
"$pv" evidence show --json "${part[1]}" >shown.json
against json shown.json
exits 0
same "$(grep -c '"PASSED"' "${part[1]}/statement.json" "${part[1]}/vsa.json" | sed 's/.*://' | xargs)" '0 0' 'PASSED of a part'
grep -q 'name="status"' "${part[1]}/junit.xml" && grep -q 'skipped' "${part[1]}/junit.xml" && ok || bad 'JUnit of a part'
run "$pv" diff "${part[1]}" "${part[2]}"
exits 2
warns 'it is no run, but part 1 of 3'
run "$pv" history contracts/up.yaml --probe "$fake"
silent parts
mkdir -p reports/published/up
cp -r "${part[1]}" reports/published/up/cpu
run "$pv" status --probe "$fake" contracts/up.yaml
exits 1
says 'it is no run, but part 1 of 3'
rm -r reports/published
for k in 1 2; do
  validate contracts/down.yaml --shard $k/2
  codes[k]=$code
  validate contracts/stuck.yaml --shard $k/2
  broken[k]=$code
done
same "$(printf '%s\n' "${codes[@]}" | sort | xargs) $(printf '%s\n' "${broken[@]}" | sort | xargs)" '0 1 0 3' \
  'exit codes of parts that fail and break down'
validate contracts/up.yaml --shard 7/9
exits 0
says '0 of 5 falsifiers are in it'

# Balanced by what was measured: the dear one alone.
validate contracts/up.yaml --out costs
python3 - costs/up/latest/evidence.json <<'PY'
import json, sys
e = json.load(open(sys.argv[1]))
for f in e['falsifiers']: f['duration_s'] = 100.0 if f['id'] == 'F_PASS_3' else 1.0
json.dump(e, open(sys.argv[1], 'w'))
PY
validate contracts/up.yaml --shard 1/2 --costs costs --json --out a
same "$(in_part)" F_PASS_3 'the part with what takes longest'
field 'd["part"]["split_by"].endswith("5 of 5 falsifiers measured")' True
validate contracts/up.yaml --shard 2/2 --costs costs --json --out a
same "$(in_part)" 'F_PASS_1 F_PASS_2 F_PASS_4 F_PASS_5' 'the part with all others'
# What is published comes before what lies here, for every host has it.
validate contracts/up.yaml --publish
validate contracts/up.yaml --shard 1/2 --json --out a
field 'd["part"]["split_by"]' "the durations of $(sed -n 's/^  "id": "\(2.*\)",$/\1/p' reports/published/up/cpu/evidence.json), 5 of 5 falsifiers measured"
rm -r reports/published

merge() { run "$pv" evidence merge --probe "$fake" "$@"; }
# What is missing is named, and how to get it.
merge "${part[1]}" "${part[3]}"
exits 3
warns 'missing: part 2 of 3'
warns "pv validate --probe $fake contracts/up.yaml --shard 2/3"
silent Verified
same "$(ls reports/runs/up)" parts 'what is written when a part is missing'
# alike RUN RUN: but for times, ids and what holds them.
alike() {
  python3 - "$1" "$2" <<'PY' && ok || bad "$1 is not $2"
import json, sys
def read(folder):
    e = json.load(open(folder + '/evidence.json'))
    for key in 'id', 'started', 'duration_s': del e['run'][key]
    for key in 'seal', 'files': del e[key]
    for f in e['falsifiers']: del f['duration_s']
    return json.dumps(e, sort_keys=True, indent=1)
a, b = map(read, sys.argv[1:])
sys.exit(a != b or len(a) < 2000)
PY
}
merge "${part[3]}" "${part[1]}" "${part[2]}"
exits 0
says Verified
merged=$(readlink -f reports/runs/up/latest)
validate contracts/up.yaml
alike "$merged" reports/runs/up/latest
run "$pv" evidence verify --probe "$fake" "$merged"
exits 0
# Joined again, and by two at once, it is the same run: nothing is counted twice.
before=$(sha256sum "$merged"/*)
runs=$(find reports/runs/up -maxdepth 1 -name '2*' | wc -l)
for _ in 1 2 3; do
  "$pv" evidence merge --probe "$fake" "${part[@]}" >/dev/null 2>said.1 &
  "$pv" evidence merge --probe "$fake" "${part[@]}" >/dev/null 2>said.2
  same "$?" 0 'one of two merges'
  wait $!
  same "$?" 0 'the other of two merges'
done
same "$(sha256sum "$merged"/*)" "$before" 'the run, joined again'
same "$(find reports/runs/up -maxdepth 1 -name '2*' | wc -l)" "$runs" 'runs'
same "$(find reports/runs/up -maxdepth 1 -name '.2*' | wc -l)" 0 'what merges left'
# A part of which nothing is this contract's changes nothing, be it there or not.
for k in 1 2 3 4 5 6; do validate contracts/up.yaml --shard $k/6 --out six; done
merge six/up/parts/* --out six
exits 0
idle=$(grep -L '"verdict": "PASS"' six/up/parts/*/evidence.json)
rm -r "${idle%/*}"
merge six/up/parts/* --out six
exits 0
same "$(find six/up -maxdepth 1 -name '2*' | wc -l)" 1 'runs, with the idle part and without'
# From elsewhere, to a place of its own; the contract comes with the parts.
(cd / && "$pv" evidence merge --probe "$fake" "${part[@]/#/$work/}" --out "$work/other" >/dev/null 2>&1)
if cmp -s other/up/latest/evidence.json "$merged/evidence.json"; then ok; else bad 'the run, joined elsewhere'; fi
run "$pv" evidence verify --probe "$fake" other/up/latest
says 'as written'

# Parts of two runs.
merge "${part[@]}" "${part[2]}"
exits 2
warns 'F_PASS_'
warns 'was judged by two parts'
merge "${part[1]}" "$merged"
exits 2
warns 'this is a whole run'
merge nowhere
exits 2
warns 'there is no evidence.json'
merge
exits 2
warns 'needs the folders of the parts'
run "$pv" evidence show "$merged" --out x
exits 2
warns '--out is of pv evidence merge'
cp -r "${part[2]}" changed && sed -i 's/"compared": 1/"compared": 2/' changed/evidence.json
merge "${part[1]}" changed "${part[3]}"
exits 2
warns 'not as it was written'
warns 'run it again'
# another SETTING...: the third part, made by another run, with the first two.
another() {
  local what=$1
  shift
  run env "$@" --out other.run
  made=$(sed -n 's|^ *report: *\(.*\)/report.md|\1|p' <<<"$out")
  merge "${part[1]}" "${part[2]}" "$made"
  exits 2
  warns "$what"
}
shard=("$pv" validate --probe "$fake" contracts/up.yaml --shard)
another 'the number of parts differs: 3 in' A=b "${shard[@]}" 3/4
another 'the kernels differs' PV_FAKE_KERNELS=0000 "${shard[@]}" 3/3
another '--faults differs: not given in' A=b "${shard[@]}" 3/3 --faults
another 'who judges what differs: ' A=b "${shard[@]}" 3/3 --costs costs
another 'the contract differs: up in' A=b "$pv" validate --probe "$fake" contracts/down.yaml --shard 2/2
commit=$(git rev-parse HEAD)
repository_with another
another "the commit differs: $commit in" A=b "${shard[@]}" 3/3
warns "$(git rev-parse HEAD) (changed) in other.run"
git reset -q --soft "$commit"
printf 'another' >models/tiny-coder-moe-Q4_K_M.gguf
another 'differs' A=b "${shard[@]}" 3/3
# Of another contract than the one that lies here.
printf '# more\n' >>contracts/up.yaml
merge "${part[@]}"
exits 2
warns 'this is another contract than that of the parts'

# The real thing: eight parts of a contract of pv's own, by the real probe.
cp "$root/contracts/q6k-gemv-v1.yaml" contracts/
mkdir -p reports/published && cp -r "$root/reports/published/q6k-gemv-v1" reports/published/
sed -i '/depends_on/d' contracts/q6k-gemv-v1.yaml
repository_with real
cd "$root" || exit 1
run "$pv" validate contracts/q6k-gemv-v1.yaml --out "$work/whole"
whole=$code
for k in 1 2 3 4 5 6 7 8; do
  run "$pv" validate contracts/q6k-gemv-v1.yaml --out "$work/split" --shard $k/8
  exits 0
done
run "$pv" evidence merge "$work"/split/q6k-gemv-v1/parts/* --out "$work/whole"
exits "$whole"
cd "$work" || exit 1
python3 - whole/q6k-gemv-v1 <<'PY' && ok || bad 'eight parts are another run'
import json, os, sys
runs = []
for name in sorted(os.listdir(sys.argv[1])):
    if name == 'latest': continue
    e = json.load(open(f'{sys.argv[1]}/{name}/evidence.json'))
    for key in 'id', 'started', 'duration_s': del e['run'][key]
    for key in 'seal', 'files': del e[key]
    e['run']['command'] = e['run']['command'].split(' --out')[0]
    for f in e['falsifiers']: del f['duration_s']
    runs.append(json.dumps(e, sort_keys=True))
sys.exit(len(runs) != 2 or runs[0] != runs[1])
PY
finish
