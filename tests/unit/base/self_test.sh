#!/bin/sh
# Each assertion must be able to fail, with its values; so must a program that asserts nothing.
program=$1
passed=0
failed=0

# check NAME EXIT TEXT: the exit code and a text that the output must contain.
check() {
  output=$("$program" "$1" 2>&1)
  code=$?
  if [ "$code" -eq "$2" ] && printf '%s\n' "$output" | grep -qF -- "$3"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: exit %s (want %s), no "%s" in:\n%s\n' "$1" "$code" "$2" "$3" "$output"
  fi
}

unset CI
check good 0 '1 passed, 0 failed'
check none 1 'no test ran'
check silent 1 'it asserted nothing'
check silent 1 '1 passed, 1 failed'
check skip 77 'skipped: because'
check is_false 1 '1 > 2: is false'
check is_false 1 '1 passed, 1 failed'
check u64 1 'got 1, want 2'
check i64 1 'got -1, want 1'
check f64 1 'got 1.5, want 1, off by 0.5, allowed 0.25'
check not_a_number 1 'got nan, want nan'
check string 1 'got "left", want "right"'
check no_string 1 'got "(NULL)", want "right"'
check bits 1 'got 00000000 (0), want 80000000 (-0)'
check bytes 1 'byte 2 of 4: got 63, want 78'
check has 1 '"haystack" does not contain "needle"'
check stops 1 '1 passed, 1 failed'
if "$program" stops | grep -q 'not reached'; then failed=$((failed + 1)); else passed=$((passed + 1)); fi
export CI=true
check skip 1 'skipped although CI=true'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
