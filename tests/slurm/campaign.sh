#!/usr/bin/env bash
# slurm.sh of pv campaign on a real Slurm: a controller and two nodes on the loopback, each node in a
# namespace of its own, which is killed in the middle. Nothing is lost, and nothing counted twice. $1 is pv,
# $2 the fake probe. Needs root, for the namespaces.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../cli/lib.sh"
for tool in munged slurmctld slurmd sbatch unshare; do
  command -v "$tool" >/dev/null && continue
  echo "skipped: there is no $tool (packages slurmctld, slurmd, slurm-client, munge)"
  exit 77
done
if [ "$(id -u)" -ne 0 ] || ! unshare --pid --fork --kill-child true 2>/dev/null; then
  echo 'skipped: only root may make the namespaces that the nodes live in'
  exit 77
fi
host=$(hostname -s)
port=$((20000 + RANDOM % 10000))
children=()
munge=''
end() {
  local pid
  for pid in "${children[@]}"; do kill -9 "$pid" 2>/dev/null; done
  if [ -n "$munge" ]; then kill "$munge" 2>/dev/null; fi
  cd "$began" || exit 1
  sleep 0.5
  rm -rf "$work"
}
trap end EXIT
mkdir -m 700 slurm slurm/munge slurm/state slurm/n1 slurm/n2
export SLURM_CONF=$work/slurm/slurm.conf
head -c 1024 /dev/urandom >slurm/munge/key && chmod 600 slurm/munge/key
cat >"$SLURM_CONF" <<CONF
ClusterName=pv
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/slurm/munge/socket
StateSaveLocation=$work/slurm/state
SlurmdSpoolDir=$work/slurm/%n
SlurmctldPidFile=$work/slurm/ctl.pid
SlurmdPidFile=$work/slurm/%n.pid
SlurmctldLogFile=$work/slurm/ctl.log
SlurmdLogFile=$work/slurm/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
JobRequeue=0
SlurmdTimeout=4
KillWait=2
SchedulerParameters=sched_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=1 Gres=gpu:1
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=1 Gres=gpu:1
PartitionName=all Nodes=n1,n2 Default=YES State=UP
CONF
printf 'Name=gpu File=/dev/null\n' >slurm/gres.conf

# node NAME: begins it; what it runs dies with it.
declare -A node
node() {
  unshare --pid --fork --kill-child=KILL --mount-proc slurmd -D -N "$1" >"slurm/$1.out" 2>&1 &
  node[$1]=$!
  children+=($!)
  disown # bash would tell of its end
}
# until_it SECONDS WHAT COMMAND...
until_it() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$limit" ]; then
      bad "$what: not in time"
      tail -n 20 slurm/*.log
      sinfo -N -l
      squeue
      finish
      exit 1
    fi
    sleep 0.5
  done
  ok
}
idle() { [ "$(sinfo -h -N -t idle | wc -l)" -eq 2 ]; }
running_on() { [ "$(squeue -h -t R -w "$1" | wc -l)" -ge 1 ]; }
part_done() { ls c/parts/part-* >/dev/null 2>&1; }
# What Slurm runs again waits two minutes before it does, but not for this test.
ended() {
  local job
  for job in $(squeue -h -t PD -n pv-part -o %i,%r | sed -n 's/,BeginTime$//p'); do
    scontrol update JobId="$job" StartTime=now
  done
  [ "$(squeue -h | wc -l)" -eq 0 ]
}

munged --force --key-file="$work/slurm/munge/key" --socket="$work/slurm/munge/socket" \
  --pid-file="$work/slurm/munge/pid" --log-file="$work/slurm/munge/log" --seed-file="$work/slurm/munge/seed"
munge=$(cat slurm/munge/pid)
slurmctld -D -c >slurm/ctl.out 2>&1 &
children+=($!)
disown
sleep 1
node n1
node n2
until_it 60 'both nodes' idle

falsifiers=()
for n in 1 2 3 4 5 6; do falsifiers+=("F_PASS_$n router.topk_rule PROPOSED"); done
contract up PROPOSED "${falsifiers[@]}"
contract gpu PROPOSED "F_PASS_7 router.topk_rule PROPOSED"
git add contracts && git -c user.name=t -c user.email=t@example.org commit -qm contracts
run "$pv" campaign --probe "$fake" contracts/up.yaml contracts/gpu.yaml --parts 6 --out c
exits 0
# As long as real ones take, so that one is under way; each start is counted.
printf '#!/bin/sh\ncase $1 in validate) echo started >>%q/starts; sleep 2 ;; esac\nexec %q "$@"\n' "$work" "$pv" >slow
chmod +x slow
run env PV="$work/slow" bash c/slurm.sh --gres=gpu:1
exits 0
says 'joined by job'
# A part is there, another one under way on the second node: it dies, with all that runs on it.
until_it 60 'the first part' part_done
until_it 60 'a part on n2' running_on n2
kill -9 "${node[n2]}"
before=$(wc -l <starts)
until_it 120 'all jobs' ended
if [ "$(wc -l <starts)" -gt 6 ]; then ok; else bad "no part was run again: $before and then $(wc -l <starts)"; fi
same "$(find c/parts -maxdepth 1 -name 'part-*' | wc -l)" 6 parts
if grep -qi 'node' slurm/ctl.log && sinfo -h -N -t down | grep -q n2; then ok; else bad "n2 is $(sinfo -h -N)"; fi
same "$(cd c/runs && echo */2*/ | wc -w)" 2 'runs: one of each contract'
run "$pv" evidence verify --probe "$fake" c/runs/*/2*
exits 0
python3 - c/runs <<'PY' && ok || bad 'the runs'
import glob, json, sys
judged = []
for path in glob.glob(sys.argv[1] + '/*/2*/evidence.json'):
    e = json.load(open(path))
    assert e['run']['exit_code'] == 0
    judged += [f['id'] for f in e['falsifiers'] if f['verdict'] == 'PASS' and f['source'] == 'run']
sys.exit(sorted(judged) != [f'F_PASS_{n}' for n in range(1, 8)])
PY
# As one call has it, but for times and hosts.
validate contracts/up.yaml --out one
python3 - c/runs/up one/up <<'PY' && ok || bad 'the run of one call'
import glob, json, sys
def read(folder):
    (path,) = glob.glob(folder + '/2*/evidence.json')
    e = json.load(open(path))
    for key in 'id', 'started', 'duration_s', 'command': del e['run'][key]
    for key in 'seal', 'files', 'environment': del e[key]
    for f in e['falsifiers']: del f['duration_s']
    return e
sys.exit(read(sys.argv[1]) != read(sys.argv[2]))
PY
finish
