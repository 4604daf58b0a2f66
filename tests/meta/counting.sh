#!/usr/bin/env bash
# How ./dev test counts cases in a ctest log: a skipped or failed program is never a passed one. And
# fuzz targets in their rows: one that executed nothing is none either.
set -u
source tests/tiers.sh
source tests/fuzz/fuzz.sh
passed=0
failed=0
log=$(mktemp)

# counts NAME WANTED, with the log on stdin: "passed failed skipped".
counts() {
  cat >"$log"
  local got
  got=$("${counter[@]}" "$log")
  if [ "$got" = "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: got "%s", want "%s"\n' "$1" "$got" "$2"
  fi
}

counter=(count_cases)
counts 'nothing ran' '0 0 0' <<'LOG'
No tests were found!!!
LOG
counts 'programs that count' '12 0 0' <<'LOG'
2: 9 passed, 0 failed
1/2 Test #2: test_a ..............   Passed    0.01 sec
10: 3 passed, 0 failed
2/2 Test #10: test_b .............   Passed    0.01 sec
LOG
counts 'a program that does not count is one case' '1 1 0' <<'LOG'
1/2 Test #1: check .....   Passed    0.01 sec
2/2 Test #2: other .....***Failed    0.01 sec
LOG
counts 'a failing program' '9 2 0' <<'LOG'
1: 9 passed, 2 failed
1/1 Test #1: test_a .....***Failed    0.01 sec
LOG
counts 'a crash after a clean count' '3 1 0' <<'LOG'
1: 3 passed, 0 failed
1/1 Test #1: test_a .....***Exception: SegFault  0.01 sec
LOG
counts 'a timeout' '0 1 0' <<'LOG'
1/1 Test #1: test_a .....***Timeout  300.01 sec
LOG
counts 'a skipped program' '0 0 1' <<'LOG'
1: 1 skipped
1: 0 passed, 0 failed
1/1 Test #1: test_a .....***Skipped  0.01 sec
LOG
counts 'not run' '0 1 0' <<'LOG'
1/1 Test #1: test_a .....***Not Run   0.00 sec
LOG
counter=(fuzz_count)
counts 'no target' '0 0' <<'LOG'
target            executions  a second   edges  features  corpus   user s  crashes
LOG
counts 'targets' '1 2' <<'LOG'
target            executions  a second   edges  features  corpus   user s  crashes
fuzz_gguf             155498     37289     476      1737     354        4.0        0
fuzz_vocab            135097     32838     584      1417     275        4.1        1
fuzz_vocab failed; the whole output is in build-fuzz/fuzz/fuzz_vocab/log
fuzz_ptx                   0         0       0         0       0        0        0
LOG
counter=(fuzz_figures)
counts 'rounds of a target' '59 476 1858 426' <<'LOG'
#319	INITED cov: 473 ft: 1570 corp: 277/104Kb exec/s: 0 rss: 39Mb
stat::number_of_executed_units: 42
#4160	DONE   cov: 476 ft: 1858 corp: 426/132Kb lim: 4096 exec/s: 2080 rss: 67Mb
stat::number_of_executed_units: 17
LOG
counts 'a target that did not start' '0 0 0 0' <<'LOG'
ParseDictionaryFile: error in line 3
LOG
rm -f "$log"

# A user has no ../shared, no nvcc and none of the variables: what a key needs of the machine is found
# all the same, also where every failure ends the script.
folder=$(mktemp -d)
mkdir "$folder/tree"
if (
  source tests/keys.sh
  cd "$folder/tree"
  unset CI "${!PV_@}" "${!CUDA_@}" "${!LD_@}" "${!ASAN_@}" "${!UBSAN_@}" "${!TSAN_@}"
  set -euo pipefail
  keys_machine | tail -n 1 | grep -q .
); then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
  echo 'keys_machine: fails without ../shared'
fi

# run_ctest over a ctest that is played: what passed with its key is not run again, all else is.
# same NAME GOT WANTED
same() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: got "%s", want "%s"\n' "$1" "$2" "$3"
  fi
}
source tests/keys.sh
passed_keys=$folder/passed keys=$folder # of tests/keys.sh
note() { :; }
keys_entries() { printf '%s\n' "${known[@]}"; }
ctest() {
  local number=0 name names code=0
  if [[ " $* " = *' -N '* ]]; then
    printf '  Test  #1: %s\n' good bad odd
    return
  fi
  names=$(grep -oE '\^\([^)]*' <<<"$*" | tr '|' ' ' | tr -d '^(')
  echo "$names" >>"$folder/ran"
  for name in $names; do
    number=$((number + 1))
    case $name in
      "$broken_name") printf '1/1 Test  #%d: %s ......***Failed  0.01 sec\n' "$number" "$name" && code=8 ;;
      *) printf '1/1 Test  #%d: %s .......   Passed    0.01 sec\n' "$number" "$name" ;;
    esac
  done
  return "$code"
}
touch "$passed_keys"
known=('k1 good' 'k2 bad') # odd has no key
ran() {
  : >"$folder/ran"
  run_ctest play "$folder" >"$folder/said"
  code=$?
}
broken_name=bad
ran
same 'all run at first' "$code $(cat "$folder/ran")" '1 good bad odd'
broken_name=
ran
same 'what failed or has no key' "$code $(cat "$folder/ran")" '0 bad odd'
known=('k3 good' 'k2 bad')
ran
same 'another key' "$code $(cat "$folder/ran")" '0 good odd'
known=('k1 good' 'k2 bad' 'k4 odd')
ran
ran
same 'nothing has changed' "$code $(cat "$folder/ran")" '0 '
same 'what was counted' "$total_passed $total_failed $total_same" '7 1 7'
rm -r "$folder"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
