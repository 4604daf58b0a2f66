#!/usr/bin/env bash
# pv validate in trouble: no place to write, a full disk, Ctrl-C, calls that are wrong.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rung=ACTIVE_ALGORITHM_LEVEL
contract good $rung "F_PASS_1 router.topk_rule $rung"

# mistyped flags and calls that contradict themselves
validate contracts/good.yaml --pubish
exits 2
warns 'did you mean --publish?'
validate
exits 2
warns 'neither a contract nor a model was named'
validate contracts/good.yaml --threads 0
exits 2
validate contracts/good.yaml --threads many
exits 2
validate contracts/good.yaml --backend gpu
exits 2
warns 'cpu, scalar, avx2, vnni, cuda, cuda0+1, cuda0+1/experts, ptx, ptx0+1, ptx0+1/experts, vulkan, vulkan0, vulkan1 and definition'
validate contracts/good.yaml --publish --only F_PASS_1
exits 2
warns 'a partial run is not published'
validate contracts/good.yaml --publish --out elsewhere
exits 2
validate contracts/good.yaml --model
exits 2
warns 'needs a value'
validate contracts/nothing.yaml
exits 2
warns 'nothing.yaml'
mkdir hollow
validate hollow
exits 2
warns "there is no contract in the folder 'hollow'"
validate contracts/good.yaml --format sarf
exits 2
warns 'text, json, github and sarif'
validate contracts/good.yaml --json --format github
exits 2
validate contracts/good.yaml -q -v
exits 2
validate contracts/good.yaml --color sometimes
exits 2
warns 'auto, always and never'
run "$pv" validat
exits 2
warns 'did you mean validate?'
run "$pv" validate --help
exits 0
says '--publish'
says 'Examples:'
run "$pv" help evidence
exits 0
says 'pv evidence verify'
same "$(find . -name reports | wc -l)" 0 'reports after wrong calls'

# a probe that says nonsense of what it can check, or nothing, or is not there: one error, nothing is run
nonsense() {
  exits 2
  same "$out" '' "output with a probe that describes $1"
  warns "does not say what it can check: $2"
  same "$(grep -c 'error:' <<<"$err")" 1 "errors with a probe that describes $1"
}
"$fake" describe >sound.json
mkdir lone
cp "$pv" lone/pv
printf '#!/bin/sh\nexec cat "%s"\n' "$work/nonsense.json" >lone/pv-probe
chmod +x lone/pv-probe
sed 's/"name": "forward.finite"/"name": "forward.parity"/' sound.json >nonsense.json
for call in 'lint contracts' 'diff contracts/good.yaml contracts/good.yaml' 'explain forward.parity' explain \
  status 'validate contracts/good.yaml'; do
  # shellcheck disable=SC2086
  run lone/pv $call
  nonsense "the same check twice ($call)" 'check forward.parity: it is there twice'
done
export PV_FAKE_DESCRIBE=$work/nonsense.json
for change in 's/"min": 2/"min": 20/' 's/"digest": "[0-9a-f]/"digest": "/' 's/pv.describe.v1/v0/' '$d' '1,$d'; do
  sed "$change" sound.json >nonsense.json
  validate contracts/good.yaml
  nonsense "after $change" ''
  run "$pv" status --probe "$fake"
  nonsense "after $change" ''
done
for mode in exit3 segv frames; do
  PV_FAKE_DESCRIBE=$mode validate contracts/good.yaml
  nonsense "$mode" 'it '
done
unset PV_FAKE_DESCRIBE
rm lone/pv-probe
run lone/pv lint contracts
exits 2
warns 'there is no program'
run lone/pv explain PV028 # a rule is pv's own
exits 0
same "$(find . -name reports | wc -l)" 0 'reports after nonsense'
rm -r lone ./*.json

# a place that can not be written is known before anything is run
printf 'a file' >reports
export PV_FAKE_LOG=$work/.pids
validate contracts/good.yaml
exits 2
warns 'not a folder'
if [ ! -e "$PV_FAKE_LOG" ]; then ok; else bad 'a probe was started all the same'; fi
rm reports
validate contracts/good.yaml --out "$work/contracts/good.yaml/x"
exits 2
validate contracts/good.yaml --out "$work/other"
exits 0
same "$(find other/good -name report.md | wc -l)" 1 'reports below --out'

# a full disk: no file larger than 1 KiB
rm -rf reports other
before=$(sha256sum contracts/good.yaml)
(
  ulimit -f 1
  validate contracts/good.yaml
  exits 2
  warns 'File too large'
  [ "$failed" -eq 0 ]
) || bad 'a full disk'
ok
same "$(find reports -type f 2>/dev/null | wc -l)" 0 'files after a full disk'
same "$(find . -name '*.tmp*' -o -name '.2*' | wc -l)" 0 'temporary folders after a full disk'
(
  ulimit -f 1
  validate contracts/good.yaml --publish
  [ "$code" -eq 2 ]
) || bad 'publishing on a full disk'
same "$(sha256sum contracts/good.yaml)" "$before" 'the contract after a full disk'
same "$(find reports -type f 2>/dev/null | wc -l)" 0 'evidence after a full disk'

# a verdict that can not be told is no success
validate contracts/good.yaml
exits 0
"$pv" validate --probe "$fake" contracts/good.yaml >/dev/full 2>/dev/null
same $? 2 'exit code with a full standard output'

# Ctrl-C: the children go, nothing half-written stays; nor a process that left the probe
rm -rf reports "$PV_FAKE_LOG"
contract slow $rung "F_HANG router.topk_rule $rung"
contract left $rung "F_ORPHANHANG router.topk_rule $rung"
sed -i 's/timeout_s: 1$/timeout_s: 200/' contracts/slow.yaml contracts/left.yaml
for how in 'INT slow 1' 'TERM slow 1' 'INT left 2' 'TERM left 2'; do
  read -r signal name processes <<<"$how"
  : >"$PV_FAKE_LOG"
  # A background job of a shell ignores SIGINT: start it from a program that does not.
  python3 - "$pv" "$fake" "$signal" "$PV_FAKE_LOG" "$name" "$processes" >"$work/.out" 2>"$work/.err" <<'PY'
import os, signal, subprocess, sys, time
pv, fake, name, log, contract, processes = sys.argv[1:]
child = subprocess.Popen([pv, "validate", "--probe", fake, f"contracts/{contract}.yaml"],
                         preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
def until(holds):  # the limit only ends what hangs
    end = time.monotonic() + 200
    while not holds() and time.monotonic() < end: time.sleep(0.02)
def lives(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
until(lambda: len(open(log).readlines()) == int(processes))
child.send_signal(getattr(signal, "SIG" + name))
code = child.wait(200)
pids = open(log).read().split()
until(lambda: not any(map(lives, pids)))
print(code, len(pids), sum(map(lives, pids)))
PY
  same "$(tail -1 "$work/.out")" "130 $processes 0" "exit code, processes, those alive: $how"
  if grep -q 'no report was written' "$work/.err"; then ok; else bad "SIG$signal: $(cat "$work/.err")"; fi
  same "$(find reports -type f 2>/dev/null | wc -l)" 0 "files after SIG$signal"
done
finish
