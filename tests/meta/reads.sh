#!/usr/bin/env bash
# What a test opens of the tree is in its key (tests/keys.sh): each entry is run under strace, and every
# file that it opened is looked up. $1 is the build folder. Some minutes, hence long.
set -u
root=$PWD
build=${1#"$root/"}
passed=0
failed=0
command -v strace >/dev/null || {
  echo 'FAILED strace is not on this machine'
  exit 1
}
sources() { git ls-files -z --cached --others --exclude-standard -- "$@"; }
die() {
  echo "FAILED $*"
  exit 1
}
source tests/keys.sh
passed_keys=$(mktemp)
keys_begin 0
rm "$passed_keys"
keys_entries "$build" '' >/dev/null
sed 's/^[^ ]* [^ ]* //' "$keys/tree" | sort >"$keys/known"

# opened NAME: the files of the tree that an entry opened, or nothing if it did not pass. git opens what
# differs from the last commit, whoever asks it for something.
opened() {
  if strace -f -z -y -Y --seccomp-bpf -e trace=open,openat -o "$keys/trace.$1" \
    ctest --test-dir "$build" -R "^$1\$" >"$keys/log.$1" 2>&1 </dev/null; then
    grep -v '^[0-9]*<git>' "$keys/trace.$1" | sed -n 's/.* = [0-9]*<\(.*\)>$/\1/p' | sed -n "s|^$root/||p" | sort -u |
      comm -12 - "$keys/known" >"$keys/opened.$1"
  fi
  rm "$keys/trace.$1"
}

export -f opened
export keys build root
mapfile -t entries < <(ctest --test-dir "$build" -N -LE '^(slow|long|gpu)$' | sed -n 's/^ *Test *#[0-9]*: *//p')
printf '%s\n' "${entries[@]}" | xargs -P "$(nproc)" -I{} bash -c 'opened "$1"' _ {}
files=0
for name in "${entries[@]}"; do
  # Of the pages only their commands count where these are in the key.
  lost=$([ ! -f "$keys/opened.$name" ] || {
    sed 's/^[^ ]* [^ ]* //' "$keys/entries/$name"
    ! grep -q ' page_commands$' "$keys/entries/$name" || git ls-files -- '*.md'
  } | sort -u | comm -23 "$keys/opened.$name" -)
  if [ ! -f "$keys/opened.$name" ]; then
    failed=$((failed + 1))
    printf 'FAILED %s does not pass under strace: %s\n' "$name" "$(tail -n 3 "$keys/log.$name")"
  elif [ -n "$lost" ]; then
    failed=$((failed + 1))
    printf 'FAILED %s opened what its key lacks: %s\n' "$name" "$(head -n 5 <<<"$lost" | tr '\n' ' ')"
  else
    passed=$((passed + 1))
    files=$((files + $(wc -l <"$keys/opened.$name")))
  fi
done
[ "$files" -gt 1000 ] || die "only $files files were opened: that is not what these tests do"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
