#!/usr/bin/env bash
# What the checks are linked with is in the digest that receipts hold by: every object that is reached
# from theirs, symbol by symbol, and every header that it was compiled from. The digest's list is made
# from CMake's targets; this looks at what the compiler made. Arguments: the build folder, nm, ninja.
set -u
build=$1
nm=$2
ninja=$3
passed=0
failed=0
ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Linked by the checks and not in the digest, by target: what the interpreter of PTX computes is
# NOT_RUN wherever a device is asked for, and a falsifier that names it has no receipt.
exceptions='pv_ptx_machine pv_forward_ptx'

# Objects of pv-probe that a symbol leads to from an object of pv_checks. Several may define the same.
reached() {
  "$ninja" -C "$build" -t inputs bin/pv-probe | grep '\.o$' | (cd "$build" && xargs "$nm" -A -g) | awk '
    { object = $1; sub(/:.*/, "", object); type = $(NF - 1); symbol = $NF }
    object ~ /\/pv_checks\.dir\// && !(object in seen) { seen[object] = 1; queue[++last] = object }
    type == "U" || type == "w" || type == "v" { wants[object] = wants[object] " " symbol; next }
    { defines[symbol] = defines[symbol] " " object }
    END {
      for (first = 1; first <= last; first++) {
        n = split(wants[queue[first]], symbols, " ")
        for (i = 1; i <= n; i++) {
          m = split(defines[symbols[i]], objects, " ")
          for (k = 1; k <= m; k++)
            if (!(objects[k] in seen)) { seen[objects[k]] = 1; queue[++last] = objects[k] }
        }
      }
      for (i = 1; i <= last; i++) print queue[i]
    }'
}

# missing LISTING: the sources and headers that were reached and are not in it. A source that CMake
# makes is named by what it is made of.
missing() {
  cut -d ' ' -f 3 "$1" | sort >"$work/listed"
  awk -v "exceptions=$exceptions" '
    BEGIN { n = split(exceptions, list, " ") }
    NR == FNR {
      reached[$1] = 1
      for (i = 1; i <= n; i++) if (index($1, "/" list[i] ".dir/")) delete reached[$1]
      next
    }
    /^[^ ]/ { on = substr($1, 1, length($1) - 1) in reached }
    on && /^ / { print $1 }' "$work/objects" "$work/deps" | (cd "$build" && sort -u | xargs realpath) |
    sed -n "s,^$build/\(.*\(images\|modules\)\.c\)\$,\1.in,; s|^$PWD/||; /^[^/]/p" | sort -u | comm -23 - "$work/listed"
}

"$ninja" -C "$build" -t deps >"$work/deps"
reached >"$work/objects"
listing=$build/generated/kernels_digest.txt
number=$(wc -l <"$work/objects")
if [ "$number" -gt 60 ]; then ok; else bad "only $number objects were reached"; fi
lost=$(missing "$listing")
if [ -z "$lost" ]; then ok; else bad "not in the digest: $lost"; fi
for target in $exceptions; do
  if grep -qF "/$target.dir/" "$work/objects"; then ok; else bad "the checks do not reach $target"; fi
done

# Seen to fail: a source and a header taken out of the listing are named.
for taken in runtime/faults/open.c kernels/arith/fold.h; do
  grep -vF "  $taken" "$listing" >"$work/listing"
  lost=$(missing "$work/listing")
  if [ "$lost" = "$taken" ]; then ok; else bad "$taken is not missed: '$lost'"; fi
done
# The digest of a check leaves out the files of other checks: none may call another.
across() {
  printf '%s.o\n' runtime/checks/*.c | sed "s|^runtime/checks/|$build/&|; s|checks/\([^/]*\)$|checks/CMakeFiles/pv_checks.dir/\1|" |
    xargs "$nm" -A -g | awk '
    { object = $1; sub(/:.*/, "", object); sub(/.*\//, "", object); symbol = $NF }
    object ~ /^(check|device|pass|recorded|table)\.c\.o$/ { next } # common to all
    $(NF - 1) == "U" { wants[object, symbol] = 1; next }
    { defined[symbol] = object }
    END { for (w in wants) { split(w, part, SUBSEP)
      if (part[2] in defined) print part[1], "calls", part[2], "of", defined[part[2]] } }'
}
lost=$(across)
if [ -z "$lost" ]; then ok; else bad "checks are not apart: $lost"; fi
common=$(grep -LE '^ *\.name = "' runtime/checks/*.c | xargs -n 1 basename | xargs)
if [ "$common" = 'check.c device.c pass.c recorded.c table.c' ]; then ok; else bad "common to all checks: $common"; fi
# What only prints is not in it, nor of the validator anything but its reader of YAML.
if ! grep -vF '  validator/yaml/' "$listing" | grep -qE '/cmd_[a-z]+\.c$|  (validator|reports|tests)/'; then ok; else bad 'a command counts'; fi

# The same list where there is no nvcc, on another processor, in another kind of build.
if cmake -S . -B "$work/other" -G Ninja -DCMAKE_MAKE_PROGRAM="$ninja" -DPV_NVCC= -DCMAKE_SYSTEM_NAME=Linux \
  -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=--coverage \
  >"$work/log" 2>&1 &&
  cmp "$build/generated/checks_sources.txt" "$work/other/generated/checks_sources.txt"; then
  ok
else
  bad "another build has another list: $(tail -n 5 "$work/log")"
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
