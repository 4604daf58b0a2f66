#!/usr/bin/env bash
# The campaign with GNU parallel, one part after the other: `bash parallel.sh [options of parallel]`, for
# example -j 4, or -S host1,host2 where folder and program are there on each.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 2
source "$here/plan.sh" || exit 2
seq 0 "$((${#models[@]} * parts - 1))" | parallel -j 1 "$@" bash "$here/part.sh"
bash "$here/merge.sh"
