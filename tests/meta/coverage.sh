#!/usr/bin/env bash
# How ./dev coverage counts and judges: planted output of gcov, exceptions that hold and that do not.
set -u
source tests/coverage.sh
passed=0
failed=0
exceptions=$(mktemp)

# expect NAME EXIT WORDS: the last judgement.
expect() {
  if [ "$code" -eq "$2" ] && grep -qF -- "$3" <<<"$output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: exit %s (want %s), want "%s" in:\n%s\n' "$1" "$code" "$2" "$3" "$output"
  fi
}

# judge TAKEN NEVER: a file with so many branches, and these exceptions on standard input.
judge() {
  cat >"$exceptions"
  output=$({
    printf '        -:    0:Source:base/a.c\n        2:    7:  if (a || b) c:d;\n'
    for ((i = 0; i < $1; i++)); do printf 'branch %2d taken 2\n' "$i"; done
    printf '        2:    8:  guard(e);\n'
    for ((i = 0; i < $2; i++)); do printf 'branch %2d taken 0 (fallthrough)\n' "$i"; done
  } | count_branches | judge_branches "$exceptions")
  code=$?
}

judge 95 5 </dev/null
expect 'the goal' 0 'base                 95 of  100 branches,  95.0 %; 0 by exception'
judge 94 6 </dev/null
expect 'below the goal' 1 'base is below 95 %'
judge 94 6 <<<'base/a.c | guard(e) | 6 | it can not happen'
expect 'an exception' 0 '94.0 %; 6 by exception, without them 100.0 %'
judge 94 6 <<<'base/a.c | guard(e) | 7 | it can not happen'
expect 'a branch of it is taken' 1 '6 branches are never taken, not 7'
judge 94 6 <<<'base/a.c | guard(f) | 6 | it can not happen'
expect 'no such line' 1 '0 branches are never taken, not 6'
judge 99 1 <<<'base/b.c | guard(e) | 1 | another file'
expect 'no such file' 1 '0 branches are never taken, not 1'
judge 99 1 <<<'base/a.c | guard(e) | 1'
expect 'no reason' 1 'no exception: '
output=$(judge_branches /dev/null </dev/null)
code=$?
expect 'nothing counted' 1 'nothing was counted'

rm -f "$exceptions"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
