#!/usr/bin/env bash
# The tar of the static build, $1, on a host that has only a C library: unpacked anywhere, read-only, moved,
# used from a folder of the user's.
set -u
tar=$(realpath "$1")
passed=0
failed=0
ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir "$work/a place" "$work/mine"
tar -C "$work/a place" -xzf "$tar" || bad 'it can not be unpacked'
mv "$work/a place" "$work/another place"
chmod -R a-w "$work/another place"
bin=$(echo "$work/another place"/pv-*/bin)
cd "$work/mine" || exit 1
run() {
  said=$("$bin/$1" "${@:2}" 2>&1)
  code=$?
  if [ "$code" -eq 0 ]; then ok; else bad "$*: exit $code: $said"; fi
}
says() { if grep -qF -- "$1" <<<"$said"; then ok; else bad "no '$1' in: $said"; fi; }

for program in pv pv-probe; do
  others=$(ldd "$bin/$program" | grep -vE 'linux-vdso|ld-linux|lib(c|m)\.so')
  if [ -z "$others" ]; then ok; else bad "$program needs more than the C library: $others"; fi
done
run pv version
says 'static'
run pv validate moe-router-v1
says 'Verified'
run pv evidence verify reports/runs/moe-router-v1/2*
run pv validate --model "$bin/../share/pv-contracts/models/tiny-coder-moe-Q4_K_M.gguf" --ids 1,2,3 --backend cpu
says 'Verified'
if [ -z "$(find "$work/another place" -newer "$work/mine" -type f)" ]; then ok; else bad 'something was written into the unpacked tree'; fi
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
