#!/usr/bin/env bash
# The same sources built in two folders, whose names have different lengths, give the same bytes.
set -u
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CCACHE_DISABLE=1 # or the second build could be the first one's objects
passed=0
failed=0

for folder in "$work/a" "$work/another/place"; do
  mkdir -p "$folder"
  git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$folder" || exit 1
  (cd "$folder" && cmake --preset release && cmake --build build-release --target pv pv-probe) \
    >"$folder.log" 2>&1 || { tail -n 20 "$folder.log"; exit 1; }
done

cd "$work" || exit 1
for program in pv pv-probe; do
  one=a/build-release/bin/$program two=another/place/build-release/bin/$program
  if cmp "$one" "$two" && ! grep -qaF -e "$work" -e "$root" "$one"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: differs, or names the folder in which it was built\n' "$program"
  fi
done
# What differs then, by its file.
[ "$failed" -eq 0 ] || diff -rq a/build-release another/place/build-release | grep -E '\.(o|a|ptx|cubin|c|h)( |$)'
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
