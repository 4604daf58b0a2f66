#!/usr/bin/env bash
# pv history and pv diff of runs, over a repository with three published runs of which one has a fault,
# evidence of an older schema, a file that was cut, one that was changed, and a run that is local.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
history() { run "$pv" history --probe "$fake" "$@"; }
diff_runs() { run "$pv" diff --probe "$fake" "$@"; }
commit() { git add -A && git -c user.name=t -c user.email=t@example.org commit -q -m "$1"; }
# id FOLDER: of the run that lies there.
id() { sed -n 's/^  "id": "\(2.*\)",$/\1/p' "$1/evidence.json"; }
# fits NAME COLUMNS: no line of the output is longer.
fits() { same "$(awk -v n="$2" 'length > n' <<<"$out")" '' "$1: lines of more than $2 columns"; }
# conforms NAME: the output is what docs/schema/NAME.json says.
conforms() {
  same "$(python3 -c '
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
kind = jsonschema.validators.validator_for(schema)
kind.check_schema(schema)
kind(schema).validate(json.load(sys.stdin))
print("conforms")' "$root/docs/schema/$1.json" <<<"$out" 2>&1 | tail -1)" conforms "$call"
}
printf '%s\n' '/.*' '/models' '/reports/runs' >.gitignore

contract over DRAFT 'F_NEEDED throughput.decode PROPOSED' 'F_PASS router.topk_rule PROPOSED'
sed -i '/check: throughput.decode/a\    with: {min_tokens_per_s: 150}' contracts/over.yaml
history contracts/over.yaml
exits 0
says 'over: 0 runs'
validate contracts/over.yaml --out elsewhere
exits 0
same "$(cat elsewhere/over/2*/report.{md,html} | grep -c 'No earlier run of this contract is known here.')" 2 \
  'a report without earlier runs says so'
rm -r elsewhere
commit 'the contract'

# published NEEDED: a run, on a second of its own, and committed.
published() {
  sleep 1.1
  PV_FAKE_NEEDED=$1 validate contracts/over.yaml --publish
  ids+=("$(id reports/published/over/cpu)")
  commit "run $1"
}
ids=()
published 300
exits 0
published '100!'
exits 1
sed -i 's/min_tokens_per_s: 150/min_tokens_per_s: 200/' contracts/over.yaml
commit 'a stricter gate'
published 450
exits 0

# kept NAME SED: evidence as it may have been published once, and then no more.
kept() {
  mkdir "reports/published/over/$1"
  sed "$2" reports/published/over/cpu/evidence.json >"reports/published/over/$1/evidence.json"
  [ "$1" != cut ] || truncate -s 900 reports/published/over/cut/evidence.json
  commit "$1 came"
  rm -r "reports/published/over/$1"
  commit "$1 went"
}
kept old 's,pv/evidence/v2,pv/evidence/v1,'
kept cut ''
kept changed 's/"compared": 10,/"compared": 11,/'
sleep 1.1
PV_FAKE_NEEDED=500 validate contracts/over.yaml
exits 0
local=$(echo reports/runs/over/2*)
ln -s "$(basename "$local")" reports/runs/over/latest

history contracts/over.yaml
exits 0
says 'over: 7 runs, 3 of them can not be read'
says 'can not be read: it is no evidence of the schema pv/evidence/v2 but of pv/evidence/v1 (commit'
says 'can not be read: it is no JSON: '
says 'can not be read: the seal is broken: something in it was changed (commit'
says "${ids[1]##*-}"
says '1 hold, 1 false'
says '2 hold; not published'
says 'F_NEEDED, min_tokens_per_s (tokens/s)'
says 'gate 1-2: >= 150'
says 'Throughput, tokens/s'
fits 'pv history' 80
COLUMNS=60 history contracts/over.yaml
fits 'pv history' 60
history contracts/over.yaml --json
exits 0
conforms history
field "[r['origin'] for r in d['runs'] if not r['unreadable']]" \
  "['committed', 'committed', 'committed', 'local']"
field "[r['id'] for r in d['runs'] if not r['unreadable']][:3] == '${ids[*]}'.split()" True
field "[len(r['published_in'] or '') for r in d['runs']].count(40)" 6
field "sorted(r['unreadable'].split(':')[0] for r in d['runs'] if r['unreadable'])" \
  "['it is no JSON', 'it is no evidence of the schema pv/evidence/v2 but of pv/evidence/v1', 'the seal is broken']"
field "[v['verdict'] for v in d['criteria'][0]['verdicts']]" "['PASS', 'FAIL', 'PASS', 'PASS']"
# Each against the gate of its time.
field "[(p['measured'], p['gate'], round(p['margin'], 3)) for p in d['criteria'][0]['tracks'][0]['points']]" \
  '[(300.0, 150.0, 2.0), (100.0, 150.0, 0.667), (450.0, 200.0, 2.25), (500.0, 200.0, 2.5)]'
field "[p['value'] for p in d['throughput'][0]['points']]" '[300.0, 100.0, 450.0, 500.0]'
field "d['incomplete'], d['left_out']" 'None 0'
history contracts/over.yaml --last 2 --json
field "[(r['id'] or '')[-8:] for r in d['runs']][-1], d['left_out']" "${local##*-} 5"
history contracts/over.yaml --svg history.svg
exits 0
python3 - <<'PY' >.strips 2>&1
import xml.etree.ElementTree as t
root = t.parse('history.svg').getroot()
texts = [''.join(e.itertext()) for e in root.iter() if e.tag.endswith('}text')]
css = [e.get('class', '') for e in root.iter()]
print('AC_1' in texts and 'AC_2' in texts, any('tokens/s' in x for x in texts), css.count('pl dash s1'),
      texts.count('?'), css.count('pc bad s0'))
PY
# Both criteria, the unit, a gate where it is known, three runs without a number, a cross in one strip.
same "$(cat .strips)" 'True True 3 3 1' 'the picture'

# The report of a run has those before it.
report=$local/report.md
same "$(grep -c '^| \*\*this run\*\*' "$report")" 1 'the present run'
same "$(sed -n '/^## Earlier runs/,/^## How/p' "$report" | grep -c '^| \(\*\*this run\*\* \)\?20')" 7 'runs in the report'
same "$(grep -c '2.5× (AC\\\?_1) | 500 |' "$report")" 1 'its margin and throughput'
same "$(grep -c '(this run)' "$local/report.html")" 1 'the present run, in HTML'
same "$(grep -c 'can not be read' "$local/report.html")" 3 'what can not be read, in HTML'

# What is published and not committed is told apart; so is what git has no more.
PV_FAKE_NEEDED=350 validate contracts/over.yaml --publish
history contracts/over.yaml
says 'over: 8 runs'
says '2 hold; not committed'
git checkout -q reports/published

# diff: by id, its end, folder, file and `latest`.
diff_runs "${ids[0]}" "${ids[1]##*-}"
exits 1
says 'AC_1: PASS -> FAIL, worse'
says 'F_NEEDED min_tokens_per_s - 300 + 100 tokens/s, gate >= 150'
says '2 verdicts changed, 2 for the worse'
diff_runs "${ids[1]}" reports/published/over/cpu/evidence.json --json
exits 0
conforms run-diff
field "[(v['id'], v['old'], v['new'], v['worse']) for v in d['verdicts']]" \
  "[('AC_1', 'FAIL', 'PASS', False), ('F_NEEDED', 'FAIL', 'PASS', False)]"
field "[(m['old'], m['new'], m['old_gate'], m['new_gate']) for m in d['metrics']]" '[(100.0, 450.0, 150.0, 200.0)]'
field "'contract' in [x['name'] for x in d['digests']], [x['name'] for x in d['environment']]" "True ['git']"
PV_FAKE_KERNELS=$(printf 'b%.0s' {1..64}) PV_FAKE_DEVICE='NVIDIA H100' PV_FAKE_NEEDED=500 validate contracts/over.yaml
exits 0
diff_runs "$local" latest
exits 0
says 'kernels_sha256'
says 'device: none -> NVIDIA H100'
says '0 verdicts changed'
diff_runs "$local" "$local"
exits 0
says '0 metrics, 0 digests, 0 of the environment'
cd / || exit 1
diff_runs latest "$work/$local"
exits 0
cd "$work" || exit 1

# A criterion that is gone was judged, and is not any more.
sed -i '/^  - id: AC_2/,/needed_for/d; /^  - id: F_PASS/,$d' contracts/over.yaml
PV_FAKE_NEEDED=500 validate contracts/over.yaml --out gone
exits 0
diff_runs "$local" gone/over/2*
exits 1
says 'AC_2: PASS -> none, worse'
git checkout -q contracts

# refused WORDS MESSAGE HINT
refused() {
  # shellcheck disable=SC2086
  diff_runs $1
  exits 2
  warns "$2"
  warns "$3"
}
refused 'latest latest' '`latest` is the last run of the contract of the other one' 'for example'
refused "$local contracts/over.yaml" "'contracts/over.yaml' is none" 'for example'
refused "$local 00000000" "no run '00000000' is known here" 'pv history'
refused "$local contracts" "cannot open 'contracts/evidence.json'" 'a run is a folder'
refused "$local" 'name two contracts or two runs' 'for example'
contract other DRAFT 'F_PASS router.topk_rule PROPOSED'
validate contracts/other.yaml
refused "$local $(echo reports/runs/other/2*)" 'these are runs of two contracts: over and other' 'of one'
refused "$(echo reports/runs/other/2*) latest" 'no other run of other is known here' 'pv validate'
history
exits 2
warns 'name a contract'
history contracts/absent.yaml
exits 2
history contracts/over.yaml --last 0
exits 2
warns '--last'
history contracts/over.yaml --svg nowhere/at/all.svg
exits 2

# What only a branch published is not forgotten when the branch is merged.
git checkout -q -b side
PV_FAKE_NEEDED=600 validate contracts/over.yaml --publish
side=$(id reports/published/over/cpu)
commit 'the side'
git checkout -q -
git -c user.name=t -c user.email=t@example.org merge -q --no-ff -s ours -m merged side
history contracts/over.yaml --json
field "['$side'] == [r['id'] for r in d['runs'] if r['id'] == '$side' and r['origin'] == 'committed']" True

# What git can not tell is said: a shallow clone, no repository, no git.
git clone -q --depth 1 "file://$work" shallow
history shallow/contracts/over.yaml
exits 0
says 'incomplete: the clone is shallow, so older runs are not here: git fetch --unshallow'
says 'over: 1 run'
mkdir bare
cp -r contracts reports bare
mv .git .kept
history bare/contracts/over.yaml
says 'incomplete: there is no git repository, which would keep earlier published runs'
mv .kept .git
PATH=/nonexistent "$pv" history --probe "$fake" contracts/over.yaml >.out 2>&1
same "$(grep -c 'incomplete: git does not answer' .out)" 1 'without git'
PATH=/nonexistent "$pv" validate --probe "$fake" contracts/over.yaml --out quiet >/dev/null 2>&1
same "$(grep -c 'Incomplete: git does not answer' quiet/over/2*/report.md)" 1 'a report without git'

finish
