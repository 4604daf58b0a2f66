#!/usr/bin/env bash
# The programs as they are linked: $1 and $2 are pv and pv-probe; $3 is ON if the C library is to check
# the lengths of copies.
set -u
passed=0
failed=0

# has PROGRAM WORDS COMMAND...: the output of COMMAND PROGRAM holds the words.
has() {
  local program=$1 words=$2
  shift 2
  if "$@" "$program" | grep -qE -- "$words"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: no "%s" in the output of %s\n' "$program" "$words" "$*"
  fi
}

for program in "$1" "$2"; do
  has "$program" 'Type: +DYN' readelf -h                   # addresses are random
  has "$program" 'GNU_RELRO' readelf -lW                   # tables of the linker are read-only,
  has "$program" 'BIND_NOW|FLAGS_1.* NOW' readelf -dW      # all of them, from the start
  has "$program" 'GNU_STACK.* RW ' readelf -lW             # the stack is not executable
  has "$program" '__stack_chk_fail' nm -D                  # and is guarded
  [ "$3" != ON ] || has "$program" ' __(vs?n?printf|memcpy|read|strcpy)_chk' nm -D
done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
