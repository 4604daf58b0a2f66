#!/usr/bin/env bash
# The house rules that a machine can check, over the tracked C files; then the same checker over
# planted faults, each of which it must find.
set -u
checker=tests/meta/house.awk
passed=0
failed=0

# expect NAME WANTED-EXIT TEXT: the exit code and output of the last run.
expect() {
  if [ "$code" -eq "$2" ] && grep -qF -- "$3" <<<"$output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: exit %s (want %s), want "%s" in:\n%s\n' "$1" "$code" "$2" "$3" "$output"
  fi
}

# planted FILE LINE...: runs the checker on one file with these lines.
planted() {
  local folder path=$1
  shift
  folder=$(mktemp -d)
  mkdir -p "$folder/$(dirname "$path")"
  printf '%s\n' "$@" >"$folder/$path"
  output=$(cd "$folder" && awk -f "$OLDPWD/$checker" "$path")
  code=$?
  rm -rf "$folder"
}

mapfile -d '' -t tracked < <(git ls-files -z -- '*.c' '*.h' '*.cu' '*.cuh')
output=$(awk -f "$checker" "${tracked[@]}" 2>&1)
code=$?
expect 'the tree' 0 ' files looked at'

planted base/a.c '#include "base/b.h"' '#include <stdio.h>'
expect 'own room' 0 '1 files looked at'
planted base/a.c '#include "runtime/gguf/gguf.h"'
expect 'upwards' 1 'base/a.c:1: base must not include runtime/gguf/gguf.h'
planted validator/run/a.c '#include "runtime/probe/frame.h"' '#include "base/text.h"'
expect 'the protocol is open to the validator' 0 '1 files'
for target in runtime/gguf/gguf.h kernels/quant/quant.h runtime/forward/forward.h \
  kernels/cpu/cpu.h runtime/checks/check.h runtime/model/model.h; do
  planted validator/cli/a.c '' "  #  include \"$target\""
  expect "the validator and $target" 1 "validator/cli/a.c:2: validator/cli must not include $target"
done
planted validator/yaml/a.c '#include "validator/rules/rules.h"'
expect 'yaml before rules' 1 'must not include validator/rules/rules.h'
planted validator/judge/a.c '#include "validator/cli/suggest.h"'
expect 'judge before cli' 1 'must not include validator/cli/suggest.h'
planted validator/run/a.c '#include "validator/judge/judge.h"'
expect 'run before judge' 1 'must not include validator/judge/judge.h'
planted runtime/forward/a.c '#include "runtime/probe/probe.h"'
expect 'forward before probe' 1 'must not include'
planted runtime/newroom/a.c '#include "base/text.h"'
expect 'an unknown room' 1 'is not in tests/meta/house.awk'
planted tests/unit/a.c '#include "validator/run/run.h"' '#include "runtime/gguf/gguf.h"'
expect 'tests may look at anything' 0 '1 files'
for halves in TO:DO FIX:ME; do # halves, or this file would hold them itself
  word=${halves/:/}
  planted base/a.c "/* $word: later */"
  expect "$word" 1 'a leftover note'
done
mapfile -t long < <(seq 601)
planted base/a.c "${long[@]}"
expect 'a long file' 1 'base/a.c: 601 lines'
planted base/a.c "${long[@]:0:600}"
expect 'a file as long as allowed' 0 '1 files'

planted base/a.c 'static int long_one(int a,' '                    int b) {' "${long[@]:0:68}" '}'
expect 'a long function' 1 'base/a.c:1: a function of 71 lines, at most 70'
planted base/a.c 'static int long_one(int a) {' 'cleanup:' "${long[@]:0:67}" '}' 'struct a {' '  int b;' '};'
expect 'a function as long as allowed' 0 '1 files'

# Nothing tracked names a machine's folders.
output=$(git grep -nIE '/(home|root)/[a-z]+|/work/(main|shared)' -- ':!tests/meta' | head)
code=$([ -z "$output" ] && echo 0 || echo 1)
expect 'no path of a machine' 0 ''

# A planted defect is one in today's sources.
for patch in tests/fuzz/planted/*.patch; do
  output=$(git apply --check "$patch" 2>&1)
  code=$?
  expect "$patch applies" 0 ''
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
