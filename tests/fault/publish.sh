#!/usr/bin/env bash
# pv validate --publish, killed at each step by which it changes files, and with each step failing:
# the contract has its old bytes or its new ones, a status that it says is supported by evidence that is
# whole, and the next run publishes. Then the order of the steps, for power cuts.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../cli/lib.sh"
shim=$3
contract up DRAFT "F_PASS_1 router.topk_rule PROPOSED"
cp contracts/up.yaml "$work/before"
publish() { run env LD_PRELOAD="$shim" "$@" "$pv" validate --probe "$fake" contracts/up.yaml --publish; }
reset() {
  rm -rf reports
  cp "$work/before" contracts/up.yaml
  rm -f contracts/up.yaml.*
}

# whole WHAT: what lies there may be trusted.
whole() {
  local run there folder
  for folder in reports/published/up/*/; do
    [ -d "$folder" ] || continue
    "$pv" evidence verify --probe "$fake" "$folder" >/dev/null 2>&1 || bad "$1: broken evidence"
  done
  if cmp -s contracts/up.yaml "$work/before"; then
    old=$((old + 1))
    ok
    return
  fi
  new=$((new + 1))
  run=$(sed -n 's/^ *evidence: "\(.*\)"/\1/p' contracts/up.yaml)
  there=$(sed -n 's/^  "id": "\(2.*\)",$/\1/p' reports/published/up/cpu/evidence.json)
  if [ -n "$run" ] && [[ ! ${there:0:16} < ${run:0:16} ]] && grep -q 'status: PROPOSED' contracts/up.yaml &&
    "$pv" lint contracts/up.yaml >/dev/null 2>&1; then
    ok
  else
    bad "$1: a contract that is neither the old one nor the new one"
  fi
}

rm -f "$work/log"
publish PV_STEP_LOG="$work/log"
exits 0
steps=$(wc -l <"$work/log")
cp "$work/log" "$work/order"
old=0 new=0
for ((n = 1; n <= steps; n++)); do
  reset
  { publish PV_STEP_KILL=$n; } 2>/dev/null # bash would tell of each
  exits 137
  whole "killed at step $n"
  publish A=b # nobody is locked out by the dead one
  exits 0
  whole "after the kill at step $n"
done
echo "killed at $steps steps: the old contract $((old)) times, the new one $((new - steps)) times"
if [ "$old" -gt 10 ] && [ "$new" -gt "$steps" ]; then ok; else bad "old $old, new $new"; fi

old=0 new=0
for ((n = 1; n <= steps; n++)); do
  reset
  publish PV_STEP_FAIL=$n
  if [ "$code" -eq 0 ] || [ "$code" -eq 2 ]; then ok; else bad "step $n fails: exit $code: $err"; fi
  whole "step $n fails"
  if [ "$code" -eq 0 ] && cmp -s contracts/up.yaml "$work/before"; then bad "step $n fails: exit 0"; fi
  same "$(find . -name '.2*' -o -name 'up.yaml.??????' | wc -l)" 0 "temporary files when step $n fails"
done
echo "$steps steps failed: the old contract $((old)) times, the new one $((new)) times"

# A run that confirms the status: whatever happens, the contract keeps its bytes, and the evidence is
# whole or not there.
reset
sed -i 's/status: DRAFT/status: PROPOSED/' contracts/up.yaml
cp contracts/up.yaml "$work/before"
rm -f "$work/log"
publish PV_STEP_LOG="$work/log"
exits 0
confirming=$(wc -l <"$work/log")
if [ "$confirming" -gt 20 ]; then ok; else bad "only $confirming steps confirm"; fi
old=0 new=0
for ((n = 1; n <= confirming; n++)); do
  for how in KILL FAIL; do
    reset
    { publish PV_STEP_$how=$n; } 2>/dev/null
    whole "confirming, $how at step $n"
    [ "$how" = KILL ] || same "$(find . -name '.2*' | wc -l)" 0 "temporary files when step $n fails"
    if [ "$code" -eq 0 ] && [ ! -d reports/published/up ]; then bad "$how at step $n: exit 0 without evidence"; fi
  done
done
same "$new" 0 'contracts changed by a run that confirms'
echo "$confirming steps of a run that confirms killed and failed: the contract stayed $old times"

# A run that takes the place of another one and raises the status: whatever happens, one of the two is
# there and whole, and the new one where the contract names it.
reset
sed -i 's/status: PROPOSED/status: DRAFT/' contracts/up.yaml
cp contracts/up.yaml "$work/before"
publish A=b
exits 0
rm -rf "$work/replaced"
mv reports "$work/replaced"
again() {
  reset
  cp -r "$work/replaced" reports
}
again
rm -f "$work/log"
publish PV_STEP_LOG="$work/log"
exits 0
replacing=$(wc -l <"$work/log")
cat "$work/log" >>"$work/order"
same "$(grep -c '^exchange' "$work/log")" 1 'exchanges of two folders'
old=0 new=0 gone=0 stays=0
for ((n = 1; n <= replacing; n++)); do
  for how in KILL FAIL NO_EXCHANGE; do
    again
    if [ "$how" = NO_EXCHANGE ]; then # there, only a power cut between two renames could leave none
      { publish PV_STEP_NO_EXCHANGE=1 PV_STEP_FAIL=$n; } 2>/dev/null
    else
      { publish PV_STEP_$how=$n; } 2>/dev/null
    fi
    whole "replacing, $how at step $n"
    [ -d reports/published/up/cpu ] || gone=$((gone + 1))
    cmp -s reports/published/up/cpu/evidence.json "$work/replaced/published/up/cpu/evidence.json" &&
      stays=$((stays + 1))
    # What is left of the old run where a step of its removal fails has no name that anybody reads.
    [ "$how" = KILL ] || [ "$code" -eq 0 ] ||
      same "$(find . -name '.2*' | wc -l)" 0 "temporary files when step $n fails"
    if [ "$code" -eq 0 ] && cmp -s contracts/up.yaml "$work/before"; then bad "$how at step $n: exit 0"; fi
  done
done
same "$gone" 0 'times that no run was there'
if [ "$old" -gt 90 ] && [ "$new" -gt 6 ] && [ "$stays" -gt 90 ]; then ok; else bad "old $old, new $new, stays $stays"; fi
echo "$replacing steps of a run that replaces another killed and failed: the old contract $old times, the old run $stays times"

# A power cut keeps what was synced: content before its name, evidence before the status that names it.
same "$(python3 - "$work/order" <<'PY'
import os, sys
dirty, unsynced, seen, wrong = set(), {}, 0, []
for line in open(sys.argv[1]):
    call, path, to = (line.replace("/./", "/").rstrip("\n").split(" ") + [""])[:3]
    if call in ("write", "fchmod"): dirty.add(path)
    if call == "fsync":
        dirty.discard(path)
        unsynced = {p: d for p, d in unsynced.items() if d != path}
    if call in ("mkdir", "rename", "exchange"): unsynced[to or path] = os.path.dirname(to or path)
    if call == "exchange" and any(p.startswith(path + "/") for p in dirty):
        wrong.append("exchanged before its content was synced: " + path)
    if call == "exchange": unsynced = {p: d for p, d in unsynced.items() if p != path}
    if call != "rename": continue
    if path in dirty: wrong.append("renamed before its content was synced: " + path)
    unsynced = {p.replace(path, to, 1): d.replace(path, to, 1) for p, d in unsynced.items()}
    if to.endswith("/up.yaml"):
        seen += 1
        wrong += ["not synced before the status: " + p for p in unsynced if p != to]
wrong += ["never synced: " + p for p in unsynced]
print(seen, wrong)
PY
)" '2 []' 'the order of the steps'
finish
