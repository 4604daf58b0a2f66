#!/usr/bin/env bash
# Publishing, receipts on another machine, staleness, and what flipped bytes break.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rung=ACTIVE_ALGORITHM_LEVEL
plain=router.topk_rule
status() { run "$pv" status --probe "$fake" "$@"; }
verify() { run "$pv" evidence verify --probe "$fake" "$@"; }

# raising a status: evidence, amendment, version; every other byte stays
contract up DRAFT "F_PASS_1 $plain PROPOSED" "F_PASS_2 names.resolve $rung"
cp contracts/up.yaml before.yaml
validate contracts/up.yaml --publish
exits 0
says "the contract now says $rung"
folder=$(echo reports/published/up/*)
same "$(basename "$folder")" cpu 'the folder of a run without a device'
# id FOLDER: the run that lies there.
id() { sed -n 's/^  "id": "\(2.*\)",$/\1/p' "$1/evidence.json"; }
id=$(id "$folder")
same "$(diff before.yaml contracts/up.yaml | grep -c '^<')" 2 'lines taken out'
same "$(grep -c "status: $rung # pv moves it" contracts/up.yaml)" 1 'the status, its comment kept'
same "$(grep -c 'version: "1.0.1"' contracts/up.yaml)" 2 'the version and the amendment'
same "$(grep -c "evidence: \"$id\"" contracts/up.yaml)" 1 'the run in the amendment'
same "$(diff before.yaml contracts/up.yaml | grep -c '^>')" 8 'lines put in'
run "$pv" lint contracts/up.yaml
exits 0
verify "$folder"
exits 0
says 'as written'
status contracts/up.yaml
exits 0
says 'supported by receipts'
says "$id"
status contracts --json
field "d['contracts'][0]['criteria'][0]['receipts'][0]['holds']" True
run "$pv" evidence show "$folder"
exits 0
says 'AC_2'
cp -r "$folder" broken
echo more >>broken/report.md
run "$pv" evidence show broken
exits 1
says 'broken: '
run "$pv" evidence show broken --json # nothing but JSON on standard output
exits 1
field "'report.md' in json.dumps(d)" False
warns 'broken: report.md'

# once more: confirmed by a second run in the place of the first, and every byte of the contract stays
cp contracts/up.yaml before.yaml
validate contracts/up.yaml --publish
exits 0
says 'published; the contract is as it was'
silent 'the contract now says'
same "$(cmp before.yaml contracts/up.yaml && echo same)" same 'the confirmed contract'
same "$(find reports/published/up -mindepth 1 -maxdepth 1)" "$folder" 'what is published'
same "$([ "$(id "$folder")" != "$id" ] && echo another)" another 'the run in the place of the first'
run "$pv" lint contracts/up.yaml # the history names the first: git keeps it
exits 0
verify reports/published/up/*
exits 0
# A run that the history names and nothing published is as new as.
sed "s/evidence: \"$id\"/evidence: \"2999${id:4}\"/" contracts/up.yaml >contracts/late.yaml
sed -i 's/name: up/name: late/' contracts/late.yaml
cp -r reports/published/up reports/published/late
run "$pv" lint contracts/late.yaml
exits 2
says "PV030"
sed -i 's/2999/2026/' contracts/late.yaml
run "$pv" lint contracts/late.yaml
exits 0
rm -r contracts/late.yaml reports/published/late
# The name of a contract leads to no other folder.
cp -r reports/published/up reports/elsewhere
sed 's|name: up|name: ../elsewhere|' contracts/up.yaml >contracts/led.yaml
run "$pv" lint contracts/led.yaml
exits 2
says "neither the run '$id' of amendment 1.0.1 nor a newer one is published"
rm -r contracts/led.yaml reports/elsewhere

# another device has a folder of its own, and neither takes the other's place
PV_FAKE_DEVICE='NVIDIA H100 80GB HBM3' validate contracts/up.yaml --publish
exits 0
says 'report: reports/published/up/nvidia-h100-80gb-hbm3/'
validate contracts/up.yaml --publish
exits 0
same "$(cd reports/published/up && echo *)" 'cpu nvidia-h100-80gb-hbm3' 'one run for each device'
verify reports/published/up/*
exits 0
mv reports/published/up/cpu reports/published/up/amd
verify reports/published/up/amd
exits 1
says 'nor that of its device, cpu'
mv reports/published/up/amd reports/published/up/cpu

# unpublished NAME STATUS CODE REASON FALSIFIER...: a run that supports nothing is not published, by
# neither evidence nor a byte of the contract; what it saw is told as always.
unpublished() {
  local name=$1 status=$2 want=$3 reason=$4
  shift 4
  contract "$name" "$status" "$@"
  [ -z "$fault" ] || sed -i "s/timeout_s: 100/timeout_s: 5/; s/^    check: .*/&\n$fault/" "contracts/$name.yaml"
  cp "contracts/$name.yaml" before.yaml
  # shellcheck disable=SC2086
  validate "contracts/$name.yaml" --publish $options
  exits "$want"
  warns "nothing was published: $reason"
  says "report: reports/runs/$name/"
  silent '--publish would'
  same "$(cmp before.yaml "contracts/$name.yaml" && echo same)" same "the contract $name"
  same "$(find "reports/published/$name" 2>/dev/null | wc -l)" 0 "what is published of $name"
  same "$(grep -l '"publish": false' reports/runs/"$name"/2*/evidence.json | wc -l)" 1 "the run of $name"
}
options='' fault=''
supports="the file claims $rung, the evidence supports PROPOSED: AC_1 is"
unpublished late $rung 3 "$supports TIMEOUT" "F_HANG $plain $rung"
unpublished fallen $rung 3 "$supports CRASH" "F_SEGV $plain $rung" "F_PASS $plain $rung"
unpublished wrong $rung 3 "$supports ERROR" "F_ERROR $plain $rung"
unpublished absent $rung 1 "$supports NOT_RUN" "F_NOTRUN $plain $rung"
unpublished above PROPOSED 3 'F_SEGV is CRASH' "F_PASS $plain PROPOSED" "F_SEGV $plain ACTIVE_RUNTIME"
unpublished rise DRAFT 3 'F_HANG is TIMEOUT' "F_PASS $plain PROPOSED" "F_HANG $plain ACTIVE_RUNTIME"
options=--faults
fault='    faults: [tie_rule_reversed]'
export PV_FAKE_FAULTS=late
unpublished untried PROPOSED 3 'not every declared fault was tried' "F_PASS $plain PROPOSED"
unset PV_FAKE_FAULTS
# Nothing rises to a rung that needs no criterion: nothing was shown for it.
contract empty DRAFT "F_NOTRUN $plain $rung"
validate contracts/empty.yaml
exits 0
says 'Nothing claimed'
says 'status DRAFT: nothing is claimed'
silent '--publish would'

# a falsified claim lowers the status, and still says so
contract down $rung "F_FAIL $plain $rung" "F_PASS $plain PROPOSED"
validate contracts/down.yaml --publish
exits 1
same "$(grep -c 'status: PROPOSED' contracts/down.yaml)" 1 'the lowered status'
same "$(grep -c 'Status lowered' contracts/down.yaml)" 1 'the amendment'
run "$pv" lint contracts/down.yaml
exits 0

# a counterexample lowers it also where another check breaks down: the file then claims less
contract both ACTIVE_RUNTIME "F_PASS $plain PROPOSED" "F_FAIL $plain ACTIVE_RUNTIME" "F_SEGV $plain $rung"
validate contracts/both.yaml --publish
exits 1
says 'the contract now says PROPOSED'
same "$(grep -c 'status: PROPOSED' contracts/both.yaml)" 1 'the lowered status'

# a receipt supports what this machine can not run
contract gpu ACTIVE_RUNTIME "F_PASS $plain $rung" "F_GPU names.resolve ACTIVE_RUNTIME"
PV_FAKE_DEVICE='NVIDIA H100' validate contracts/gpu.yaml --publish
exits 0
receipt=$(echo reports/published/gpu/*)
cp contracts/gpu.yaml gpu.sound
validate contracts/gpu.yaml --only F_PASS --json
exits 0
field "[c['source'] for c in d['criteria']]" "['run', 'receipt']"
validate contracts/gpu.yaml --only F_PASS
says 'NVIDIA H100'

# Nothing takes the place of the run that it rests on itself.
contract same ACTIVE_RUNTIME "F_PASS $plain $rung" "F_DEVICE names.resolve ACTIVE_RUNTIME"
PV_FAKE_DEVICE='CPU' validate contracts/same.yaml --publish
exits 0
first=$(id reports/published/same/cpu)
validate contracts/same.yaml --publish
exits 0
warns "nothing was published: F_DEVICE rests on the run $first, whose place it would take"
says 'report: reports/runs/same/'
same "$(id reports/published/same/cpu)" "$first" 'the run that stays'

# stale by each digest, with its name
stale() {
  exits 3
  says 'STALE'
  says "$1"
}
PV_FAKE_KERNELS=$(printf 'b%.0s' {1..64}) validate contracts/gpu.yaml --only F_PASS
stale 'the kernels'
PV_FAKE_NUMERICS=i16-v2 validate contracts/gpu.yaml --only F_PASS
stale 'the numerics'
printf 'A model' >models/tiny-coder-moe-Q4_K_M.gguf
# Another model is no other state of this one: nobody looked at it.
unseen() {
  exits 3
  says 'NOT_RUN'
  says 'no receipt is about this model'
  silent 'STALE'
}
validate contracts/gpu.yaml --only F_PASS
unseen
status contracts/gpu.yaml
unseen
verify "$receipt"
exits 3
says 'F_GPU PASS: it was for another state of the model'
printf 'a model' >models/tiny-coder-moe-Q4_K_M.gguf
sed -i 's/property: Claim 2/property: Claim 3/' contracts/gpu.yaml
validate contracts/gpu.yaml --only F_PASS
stale 'the claim or its test'
verify "$receipt"
exits 3
says 'claims something else now'
cp gpu.sound contracts/gpu.yaml
sed -i 's/A comment that stays/a comment that stays/' contracts/gpu.yaml
verify "$receipt"
exits 0
says 'its claims did not'
cp gpu.sound contracts/gpu.yaml

# a changed byte of published evidence: it no longer counts, and both commands say why
cp -r "$receipt" "$work/kept"
for file in evidence.json report.md report.html junit.xml statement.json; do
  printf 'x' | dd of="$receipt/$file" bs=1 seek=100 conv=notrunc 2>/dev/null
  verify "$receipt"
  exits 1
  says "$file"
  validate contracts/gpu.yaml --only F_PASS
  exits 3
  warns "$file"
  cp "$work/kept/$file" "$receipt/$file"
done
verify "$receipt"
exits 0
verify "$work/nothing"
exits 2

# the newest receipt that holds decides, also when it is a failure
contract gpu ACTIVE_RUNTIME "F_PASS $plain $rung" "F_GPU names.resolve ACTIVE_RUNTIME"
validate contracts/gpu.yaml --only F_PASS
exits 0

# --publish outside a repository, in one without a commit, and above its contracts' folder
# nowhere FOLDER REASON: refused before anything is run, and nothing is written there or above.
nowhere() {
  find "$alone" | sort >listing
  validate "$1/sound.yaml" --publish
  exits 2
  warns "$2"
  same "$(find "$alone" | sort | diff listing - | wc -l)" 0 "files made in $1"
}
alone=$(mktemp -d)
trap 'cd "$began"; rm -rf "$work" "$alone"' EXIT
mkdir -p "$alone/models" "$alone/contracts" "$alone/fresh/contracts"
contract sound DRAFT "F_PASS $plain PROPOSED"
cp contracts/sound.yaml "$alone/contracts"
nowhere "$alone/contracts" 'nothing is published outside a git repository'
cp contracts/sound.yaml "$alone/fresh/contracts"
git init -q "$alone/fresh"
nowhere "$alone/fresh/contracts" 'git names no commit'
repository "$alone/fresh"
cp contracts/sound.yaml "$alone/fresh"
nowhere "$alone/fresh" 'uppermost folder of its repository'

# --publish and the working tree
if git --version >/dev/null 2>&1; then
  mkdir -p repo/contracts repo/runtime
  cp contracts/good.yaml repo/contracts 2>/dev/null || contract good DRAFT "F_PASS $plain $rung"
  contract draft DRAFT "F_PASS $plain $rung"
  cp contracts/good.yaml contracts/draft.yaml repo/contracts/
  echo 'int a;' >repo/runtime/a.c
  (
    cd repo && mkdir models && git init -q . && git add . &&
      git -c user.name=t -c user.email=t@example.org commit -qm t && echo 'int b;' >>runtime/a.c
  )
  validate repo/contracts/good.yaml --publish
  exits 2
  warns 'runtime/a.c'
  same "$(find repo/reports -type f 2>/dev/null | wc -l)" 0 'evidence of a changed tree'
  validate repo/contracts/draft.yaml
  says 'after a commit, --publish would record it'
  (cd repo && git checkout -q runtime/a.c)
  validate repo/contracts/good.yaml --publish
  exits 0
  validate repo/contracts/good.yaml --publish
  exits 0 # the contract itself and reports may differ
  same "$(find repo/reports/published/good -name evidence.json | wc -l)" 1 'runs published'
  same "$(grep -c "$work" -r repo/reports | awk -F: '{n += $2} END {print n}')" 0 \
    'lines of published evidence that name a path of this machine'
fi

# a known divergence stays what it is, or is a person's to change
contract known KNOWN_DIVERGENCE "F_PASS $plain $rung" "F_FAIL $plain $rung"
sed -i 's/^  amendment_history/  known_divergence: [AC_2]\n&/' contracts/known.yaml
validate contracts/known.yaml --publish
exits 0
same "$(grep -c 'status: KNOWN_DIVERGENCE' contracts/known.yaml)" 1 'the status that stays'
run "$pv" lint contracts/known.yaml
exits 0
sed -i 's/known_divergence: \[AC_2\]/known_divergence: [AC_1]/' contracts/known.yaml
validate contracts/known.yaml --publish
exits 1
warns 'change the status by hand'
same "$(find reports/published/known -name evidence.json | wc -l)" 1 'no evidence of what was refused'

# a deprecated contract, a link
contract old DEPRECATED "F_PASS $plain $rung"
validate contracts/old.yaml --publish
exits 2
mv contracts/up.yaml contracts/real
last=$(id reports/published/up/cpu)
ln -s real contracts/up.yaml
validate contracts/up.yaml --publish
exits 2
warns 'link'
same "$(id reports/published/up/cpu)" "$last" 'the run that a link does not replace'
finish
