#!/usr/bin/env bash
# The campaign on Slurm: `bash slurm.sh [options of sbatch]` submits an array with a task for each part,
# and a job that joins them when all have ended. Folder and program must be there on every node. A task
# whose node dies is run again on another one.
set -u
if [ -n "${SLURM_JOB_ID:-}" ] && [ -n "${PV_CAMPAIGN:-}" ]; then # the copy that Slurm runs
  if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then exec bash "$PV_CAMPAIGN/part.sh" "$SLURM_ARRAY_TASK_ID"; fi
  exec bash "$PV_CAMPAIGN/merge.sh"
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 2
source "$here/plan.sh" || exit 2
mkdir -p "$here/logs" || exit 2
export PV_CAMPAIGN=$here
common=(--parsable --requeue --open-mode=append --export=ALL --chdir="$here")
array=$(sbatch "${common[@]}" --job-name=pv-part --array="0-$((${#models[@]} * parts - 1))" \
  --output="$here/logs/part-%a.log" ${gpu:+--gres=gpu:1} "$@" "$here/slurm.sh") || exit 2
merge=$(sbatch "${common[@]}" --job-name=pv-merge --dependency="afterany:${array%%;*}" \
  --output="$here/logs/merge.log" "$here/slurm.sh") || exit 2
echo "parts: job ${array%%;*}; joined by job ${merge%%;*} into $here/runs"
