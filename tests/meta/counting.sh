#!/usr/bin/env bash
# How ./dev test counts cases in a ctest log: a skipped or failed program is never a passed one.
set -u
source tests/tiers.sh
passed=0
failed=0
log=$(mktemp)

# counts NAME WANTED, with the log on stdin: "passed failed skipped".
counts() {
  cat >"$log"
  local got
  got=$(count_cases "$log")
  if [ "$got" = "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: got "%s", want "%s"\n' "$1" "$got" "$2"
  fi
}

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
rm -f "$log"

# A user has no ../shared: the key is made all the same, also where every failure ends the script.
folder=$(mktemp -d)
mkdir "$folder/tree"
if (cd "$folder/tree" && set -euo pipefail && sources() { :; } && tier_key >/dev/null); then
  passed=$((passed + 1))
else
  failed=$((failed + 1))
  echo 'tier_key: fails without ../shared'
fi
rm -r "$folder"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
