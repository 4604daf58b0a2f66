#!/usr/bin/env bash
# pv campaign report: what many runs show together; its index is made of the evidence, and again when it is
# gone, damaged or killed in the making.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
contract up PROPOSED "F_PASS_1 names.resolve PROPOSED" "F_PASS_2 forward.finite PROPOSED"
sed -i '/check: forward.finite/a\    with: {backend: cuda}' contracts/up.yaml
contract plain PROPOSED "F_PASS_3 router.topk_rule PROPOSED"
cp models/tiny-coder-moe-Q4_K_M.gguf models/other.gguf && printf 'more' >>models/other.gguf
git add -A && git -c user.name=t -c user.email=t@example.org commit -qm contracts
report() { run "$pv" campaign report --probe "$fake" "$@"; }

report
exits 2
warns 'needs one folder'
report nowhere
exits 2
warns "no folder 'nowhere'"
report runs --parts 3
exits 2
warns 'are of no report'
run "$pv" campaign contracts/up.yaml --parts 2 --out c --json
exits 2
warns '--json is of pv campaign report'
mkdir runs
report runs
exits 0
says '0 runs of 0 contracts'

# Two devices, of which one judges otherwise; a model that one of them never saw.
judge() { run env PV_FAKE_DEVICE="$1" PV_FAKE_BACKEND="$2" "$pv" validate --probe "$fake" --out runs "${@:3}"; }
judge 'Device A' cuda contracts/up.yaml
judge 'Device A' cuda contracts/up.yaml
judge 'Device B' cpu contracts/up.yaml
judge 'Device A' cuda contracts/up.yaml --model models/other.gguf
judge 'Device A' cpu contracts/plain.yaml
validate contracts/up.yaml --shard 1/2 --out runs
report runs --json
exits 0
echo "$out" >told.json
against json told.json
exits 0
out=$(cat told.json)
field '[d[k] for k in ("runs", "contracts", "models", "devices", "stale", "missing")]' '[5, 2, 2, 2, 0, 2]'
field '[(c["contract"], c["device"], c["runs"], c["newest"] and c["newest"]["outcome"]) for c in d["cells"]]' \
  "[('plain', 'Device A', 1, 'Verified'), ('plain', 'Device B', 0, None), ('up', 'Device A', 1, 'Verified'), ('up', 'Device B', 0, None), ('up', 'Device A', 2, 'Verified'), ('up', 'Device B', 1, 'Falsified')]"
field '[(x["falsifier"], [(v["device"], v["verdict"]) for v in x["verdicts"]]) for x in d["differences"]]' \
  "[('F_PASS_2', [('Device A', 'PASS'), ('Device B', 'FAIL')])]"
field 'd["broken"]' '[]'
for page in html md; do
  for words in 'Contracts over models, by device' 'nobody ran it' 'newest of 2' 'F_PASS_2' 'Device B' 'Every run that can be compared still holds here'; do
    if grep -q "$words" "runs/campaign.$page"; then ok; else bad "campaign.$page: no '$words'"; fi
  done
done
xmllint --noout <(sed -n '/<main>/,/<\/main>/p' runs/campaign.html) 2>said
same "$(cat said)" '' 'tags of the page'
# The same again is read from the index; what is new, changed or gone is seen.
report runs
says '0 files were read anew'
says '5 runs of 2 contracts'
cp -r runs/plain/2* copy && mkdir runs/again && mv copy runs/again/run
report runs
says '1 files were read anew'
says '5 runs of 2 contracts'
report runs --json
field 'd["cells"][0]["runs"]' 1
rm -r runs/again
one=$(find runs/plain -name evidence.json -path '*/2*' ! -path '*/latest/*' | head -1)
sed -i 's/"compared": 1/"compared": 2/' "$one"
report runs --json
field '(d["runs"], d["broken"][0]["why"][:18])' "(4, 'the seal is broken')"
sed -i 's/"compared": 2/"compared": 1/' "$one"
report runs
says '5 runs of 2 contracts'
cp -r runs/up/parts runs/mistaken
report runs --json
field 'd["broken"][0]["why"]' 'it is no run, but part 1 of 2 of one'
rm -r runs/mistaken
# What it rests on changed: stale, with the reason; a contract that is not here can not be compared.
PV_FAKE_KERNELS=0000 report runs --json
field '(d["stale"], d["cells"][0]["newest"]["why_stale"])' "(4, 'F_PASS_3 was for another state of the kernels')"
sed -i 's/Claim 1/Another claim/' contracts/plain.yaml
report runs --json
field '(d["stale"], d["cells"][0]["newest"]["why_stale"])' "(1, 'the contract claims something else now')"
rm contracts/plain.yaml
report runs --json
field '(d["stale"], d["cells"][0]["newest"]["not_compared"])' "(0, 'its contract does not lie here')"
grep -q 'its contract does not lie here' runs/campaign.md && ok || bad 'what can not be compared is not in the page'

# The index is nothing: gone, damaged, of another version, in the way of two at once, not to be written.
report runs --json
want=$out
for damage in 'rm INDEX' 'head -c 3000 /dev/urandom >INDEX' 'truncate -s 5000 INDEX' \
  'sqlite INDEX "PRAGMA user_version=99"' 'sqlite INDEX "DROP TABLE file; CREATE TABLE file(x)"'; do
  sqlite() { python3 -c 'import sqlite3,sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])' "$@"; }
  eval "${damage//INDEX/runs/.pv-index.sqlite}"
  report runs --json
  same "$out" "$want" "the report after: $damage"
done
"$pv" campaign report --probe "$fake" runs --json >first 2>&1 &
report runs --json
wait
same "$(cat first)" "$want" 'one of two at once'
same "$out" "$want" 'the other of two at once'
report runs --out elsewhere/pages --json
same "$out" "$want" 'pages elsewhere'
if [ -s elsewhere/pages/campaign.html ] && [ -s elsewhere/pages/.pv-index.sqlite ]; then ok; else bad 'no pages elsewhere'; fi
# Killed at any moment: pages are whole, and the next report is right.
python3 "$here/runs.py" "$root/reports/published/moe-router-v1/nvidia-h200/evidence.json" many 300 3 2 2
report many --json
want=$out
field '(d["runs"], d["contracts"], d["models"], d["devices"], d["missing"])' '(300, 3, 2, 2, 0)'
for delay in 0.01 0.03 0.05 0.08 0.12 0.16; do
  rm -f many/.pv-index.sqlite*
  { timeout -s KILL "$delay" "$pv" campaign report --probe "$fake" many >said 2>&1; } 2>/dev/null
  if tail -1 many/campaign.html | grep -q '</html>'; then ok; else bad "a page that is cut, after $delay s"; fi
  report many --json
  same "$out" "$want" "the report after a kill at $delay s"
done
same "$(find many runs -maxdepth 1 -name 'campaign.*.*')" '' 'what was left beside the pages'
finish
