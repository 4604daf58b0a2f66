# What the scripts of this folder count and say; sourced by them, in the root of the repository.
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
# The last line, and the exit code: nothing counted is no success.
counted() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
# die WHAT: without which nothing else can be seen.
die() {
  bad "$*"
  counted
  exit 1
}
