#!/usr/bin/env bash
# pv evidence merge, and pv campaign report, killed at each step by which it changes files, and with each step failing: the run is
# there and whole, or not there; the parts are as they were; and merging again gives the run.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../cli/lib.sh"
shim=$3
contract up PROPOSED "F_PASS_1 router.topk_rule PROPOSED" "F_PASS_2 names.resolve PROPOSED"
for k in 1 2; do validate contracts/up.yaml --shard $k/2; done
parts=(reports/runs/up/parts/*)
same "${#parts[@]}" 2 parts
merge() { run env LD_PRELOAD="$shim" "$@" "$pv" evidence merge --probe "$fake" "${parts[@]}"; }
kept=$(sha256sum "${parts[@]/%//evidence.json}")

# whole WHAT: the parts are there, and each folder that has a name is a run.
whole() {
  local folder
  same "$(sha256sum "${parts[@]/%//evidence.json}")" "$kept" "$1: the parts"
  for folder in reports/runs/up/2*/; do
    [ -d "$folder" ] || { none=$((none + 1)) && continue; }
    there=$((there + 1))
    "$pv" evidence verify --probe "$fake" "$folder" >/dev/null 2>&1 || bad "$1: a broken run"
  done
}
reset() {
  rm -rf reports/runs/up/2* reports/runs/up/.2* reports/runs/up/latest
  [ "$1" = first ] || cp -r joined/. reports/runs/up/
}

merge PV_STEP_LOG="$work/log"
exits 0
mkdir joined && cp -r reports/runs/up/2* reports/runs/up/latest joined/
id=$(ls joined | grep '^2')
digests=$(sha256sum joined/"$id"/*)
for before in first again; do
  rm -f "$work/log"
  reset $before
  merge PV_STEP_LOG="$work/log"
  exits 0
  steps=$(wc -l <"$work/log")
  if [ "$steps" -gt 20 ]; then ok; else bad "only $steps steps"; fi
  none=0 there=0
  for ((n = 1; n <= steps; n++)); do
    for how in KILL FAIL; do
      [ $how$before != FAILagain ] || continue
      reset $before
      { merge PV_STEP_$how=$n; } 2>/dev/null
      if [ $how = KILL ]; then exits 137; fi
      whole "$how at step $n"
      if [ "$code" -eq 0 ] && [ ! -d "reports/runs/up/$id" ]; then bad "$how at step $n: exit 0 without a run"; fi
      if [ $before = again ] && [ ! -d "reports/runs/up/$id" ]; then bad "$how at step $n: the run is gone"; fi
    done
    # Nobody is locked out by the dead one, and it is the same run.
    merge A=b
    exits 0
    same "$(cd reports/runs/up && sha256sum "$id"/* | sed 's|  |  joined/|')" "$digests" "the run after step $n"
    same "$(ls reports/runs/up | grep -c '^2')" 1 "runs after step $n"
  done
  echo "$before: killed and failed at $steps steps: no run $none times, a whole one $there times"
  [ $before = again ] || [ "$none" -gt 10 ] || bad "no run only $none times"
done
# The page over these runs, and SQLite's index of them, killed at each step: the page is the old one or the new
# one, whole, and what the index says after that is right. What cannot be written is an error, or is written in memory.
report() { run env LD_PRELOAD="$shim" "$@" "$pv" campaign report --probe "$fake" reports/runs --out pages --json; }
rm -f "$work/log"
report PV_STEP_LOG="$work/log"
exits 0
told=$out
steps=$(wc -l <"$work/log")
if [ "$steps" -ge 20 ]; then ok; else bad "only $steps steps write two pages and an index"; fi
if grep -q '^pwrite .*\.pv-index\.sqlite ' "$work/log"; then ok; else bad 'SQLite is not watched'; fi
cp pages/campaign.html pages/campaign.md .
for ((n = 1; n <= steps; n++)); do
  { report PV_STEP_KILL=$n; } 2>/dev/null
  exits 137
  for page in campaign.html campaign.md; do
    if [ ! -e "pages/$page" ] || cmp -s "$page" "pages/$page"; then ok; else bad "step $n: $page is cut"; fi
  done
  report A=b
  same "$code $out" "0 $told" "the report after step $n"
  [ $((n % 2)) -eq 0 ] || { rm -r pages && continue; }
  report PV_STEP_FAIL=$n
  [ "$code" -eq 2 ] || same "$code $out" "0 $told" "failing at step $n"
  rm -r pages
done

# The same run published, killed at each step: the contract has its old bytes, or its new ones and then evidence
# that is whole; and what was not published is by the next merge.
git add contracts models && git -c user.name=t -c user.email=t@example.org commit -qm contracts
sed -i 's/status: PROPOSED/status: DRAFT/' contracts/up.yaml
for k in 1 2; do validate contracts/up.yaml --shard $k/2 --out draft; done
parts=(draft/up/parts/*)
cp contracts/up.yaml before.yaml
publish() { run env LD_PRELOAD="$shim" "$@" "$pv" evidence merge --publish --probe "$fake" "${parts[@]}"; }
rm -f "$work/log"
publish PV_STEP_LOG="$work/log"
exits 0
steps=$(wc -l <"$work/log")
old=0
for ((n = 1; n <= steps; n++)); do
  rm -rf reports/published
  cp before.yaml contracts/up.yaml
  { publish PV_STEP_KILL=$n; } 2>/dev/null
  exits 137
  if cmp -s contracts/up.yaml before.yaml; then
    old=$((old + 1))
    publish A=b
    exits 0
  fi
  "$pv" evidence verify --probe "$fake" reports/published/up/cpu >/dev/null 2>&1 || bad "published, killed at step $n: broken evidence"
  if "$pv" lint contracts/up.yaml >/dev/null 2>&1; then ok; else bad "published, killed at step $n: a broken contract"; fi
done
echo "published: killed at $steps steps, the old contract $old times"
if [ "$old" -gt 20 ] && [ "$old" -lt "$steps" ]; then ok; else bad "the old contract $old times of $steps"; fi
finish
