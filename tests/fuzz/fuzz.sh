# shellcheck shell=bash
# `./dev fuzz` and the tier of that name; sourced by ./dev, which defines build, note and die.
#
# A target runs over its committed corpus, which is only read, and over a folder of its own,
# build-fuzz/fuzz/TARGET/corpus, in which what it finds gathers from run to run. The seconds are user
# time, not the clock's: a busy machine takes longer and does as much.

readonly fuzz_list=build-fuzz/fuzz-targets # CMake writes it: TARGET CORPUS DICTIONARY in each line
readonly fuzz_columns='%-15s %12s %9s %7s %9s %7s %8s %8s\n'

# What all rounds of a log amount to: EXECUTIONS EDGES FEATURES CORPUS.
fuzz_figures() {
  awk '
    /^stat::number_of_executed_units:/ { executions += $2 }
    match($0, / cov: [0-9]+ ft: [0-9]+ corp: [0-9]+/) {
      split(substr($0, RSTART), part, /[ :\/]+/); edges = part[3]; features = part[5]; corpus = part[7] }
    END { printf "%d %d %d %d\n", executions, edges, features, corpus }' "$1"
}

# PASSED FAILED, from the rows of figures: a target that executed nothing failed.
fuzz_count() {
  awk '/^fuzz_[a-z]+ +[0-9]/ && NF == 8 { if ($8 == 0 && $2 > 0) passed++; else failed++ }
    END { printf "%d %d\n", passed, failed }' "$1"
}

# The targets of the rows that fuzz_count counts as passed.
fuzz_passed() { awk '/^fuzz_[a-z]+ +[0-9]/ && NF == 8 && $8 == 0 && $2 > 0 { print $1 }' "$1"; }

# What to do with the inputs that one target failed on.
fuzz_explain() {
  local name=$1 corpus=$2 own=$3 input
  printf '%s failed; the whole output is in %s\n' "$name" "$own/log"
  grep -E 'violated|ERROR|runtime error|SUMMARY' "$own/log" | head -5
  for input in "$own"/found/*; do
    [ -f "$input" ] || continue
    printf 'repeat it:  build-fuzz/bin/%s %s\n' "$name" "$input"
    printf 'then fix the defect, and keep the input:  cp %s tests/fuzz/corpus/%s/\n' "$input" "$corpus"
    [ "$(wc -c <"$input")" -le 8192 ] || continue
    printf 'the same in base64:  '
    base64 -w 0 "$input"
    printf '\n'
  done
}

# fuzz_one SECONDS SEED TARGET CORPUS [DICTIONARY]: one row of figures, and what failed. Rounds follow
# each other until the user time is spent. SEED 0: another one each time.
fuzz_one() {
  local limit=$(($1 * 1000)) seed=$2 name=$3 corpus=$4 own=build-fuzz/fuzz/$3 options=()
  local left=$limit used round=0 code=0 executions edges features size crashes
  [ -z "${5:-}" ] || options=("-dict=tests/fuzz/$5")
  mkdir -p "$own/corpus"
  rm -rf "$own/found" "$own/log"
  mkdir "$own/found"
  while [ "$left" -gt 0 ] && [ "$code" -eq 0 ]; do
    used=$(
      TIMEFORMAT=%3U
      { time "build-fuzz/bin/$name" "${options[@]}" -max_total_time=$(((left + 999) / 1000)) \
        -seed=$((seed == 0 ? 0 : seed + round)) -timeout=60 -print_final_stats=1 \
        -artifact_prefix="$own/found/" "$own/corpus" "tests/fuzz/corpus/$corpus" >>"$own/log" 2>&1; } 2>&1
    ) || code=$?
    left=$((left - 10#${used/./}))
    round=$((round + 1))
  done
  read -r executions edges features size < <(fuzz_figures "$own/log")
  crashes=$(find "$own/found" -type f | wc -l)
  [ "$code" -eq 0 ] || [ "$crashes" -gt 0 ] || crashes=1 # it ended without leaving an input
  used=$((limit - left))
  # shellcheck disable=SC2059 # the columns of the head
  printf "$fuzz_columns" "$name" "$executions" "$((executions * 1000 / (used + 1)))" "$edges" \
    "$features" "$size" "$((used / 1000)).$((used % 1000 / 100))" "$crashes"
  [ "$code" -eq 0 ] && [ "$executions" -gt 0 ] && return
  fuzz_explain "$name" "$corpus" "$own"
  return 1
}

# fuzz_targets SECONDS SEED [TARGET...]: as many at a time as there are cores. Prints a row for each,
# and fails when one did.
fuzz_targets() {
  local seconds=$1 seed=$2 names name lines=()
  shift 2
  build fuzz build.ninja # the list is of these sources
  mapfile -t names < <(cut -d' ' -f1 "$fuzz_list")
  [ $# -gt 0 ] || set -- "${names[@]}"
  for name in "$@"; do
    lines+=("$(grep "^$name " "$fuzz_list")") || die "no such target: $name; there are ${names[*]}"
  done
  build fuzz "$@"
  export -f fuzz_one fuzz_figures fuzz_explain
  export fuzz_columns
  # shellcheck disable=SC2059 # the columns of the rows
  printf "$fuzz_columns" target executions 'a second' edges features corpus 'user s' crashes
  printf '%s\n' "${lines[@]}" |
    xargs -P "$(nproc)" -L 1 bash -c 'fuzz_one "$@"' fuzz_one "$seconds" "$seed"
}

# fuzz [SECONDS [TARGET...]]
fuzz() {
  local seconds=${1:-10}
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || die "fuzz: not a number of seconds: $seconds"
  fuzz_targets "$seconds" 0 "${@:2}" || exit 1
}
