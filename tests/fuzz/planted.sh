#!/usr/bin/env bash
# Each fuzz target finds a defect that is planted in a copy of the tree (planted/TARGET.patch) and that
# its committed corpus alone does not reach; without the defect it finds nothing. $1, $2 ...: only these
# targets.
set -u
seconds=300 # of user time at most; each takes a few
passed=0
failed=0
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# ends NAME WANTED-EXIT TEXT: the last command's exit code and output.
ends() {
  if [ "$code" -eq "$2" ] && grep -qE -- "$3" <<<"$output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: exit %s (want %s), want "%s" in:\n%s\n' "$1" "$code" "$2" "$3" "$output"
  fi
}

run() {
  output=$("$@" 2>&1)
  code=$?
}

git ls-files -z | xargs -0 cp --parents -t "$copy"
cd "$copy" || exit 1
git init -q # or git apply would look for the tree around the copy
run ./dev fuzz 2 "$@"
ends 'nothing is planted' 0 '^fuzz_'

while read -r target corpus _; do
  [ $# -eq 0 ] || [[ " $* " == *" $target "* ]] || continue
  rm -rf build-fuzz/fuzz
  run git apply "tests/fuzz/planted/$target.patch"
  ends "$target: is planted" 0 ''
  run cmake --build build-fuzz --target "$target"
  ends "$target: is built" 0 ''
  run "build-fuzz/bin/$target" -runs=0 "tests/fuzz/corpus/$corpus"
  ends "$target: its corpus alone" 0 ''
  run ./dev fuzz "$seconds" "$target"
  ends "$target: finds what is planted" 1 "^$target +([0-9.]+ +){6}1\$"
  ends "$target: keeps the input" 1 "^repeat it:  build-fuzz/bin/$target "
  grep -E "^$target +[0-9]|violated|SUMMARY" <<<"$output"
  run git apply -R "tests/fuzz/planted/$target.patch"
done <build-fuzz/fuzz-targets

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
