#!/usr/bin/env bash
# Kernels of somebody else on a device, as PTX and as machine code: both forms have the verdict of the
# interpreter, and the first finding in the same line of the source. Usage: guest.sh PV [FOLDER], with
# NAME.cubin for each tests/cli/guest/NAME.ptx; without it ptxas makes them, from PATH, $CUDA_HOME or
# /usr/local/cuda, for $PV_SM (default: sm_90).
set -u
pv=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
kernels=$here/tests/cli/guest
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cubins=${2:-$work}
passed=0 failed=0
PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin:/usr/local/cuda/bin

expect() { # WHAT GOT WANT
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1))
    printf 'FAILED %s: %s, want %s\n' "$1" "$2" "$3"
  fi
}
# said FILE DESCRIPTOR ON: the verdict, the first finding and its line of the source.
said() {
  "$pv" kernel check "$1" --descriptor "$2" --on "$3" >"$work/said" 2>&1
  sed -n -e '1s/ .*//p' -e '2{s/ [^ ]*:[0-9]* (/ (/;s/),.*/)/;p;}' "$work/said" | tr -s '\n ' ' '
}

for ptx in "$kernels"/*.ptx "$here"/contracts/examples/kernels/*.ptx; do
  name=$(basename "$ptx" .ptx)
  descriptor=$kernels/gemv.yaml
  [ "$name" = race ] && descriptor=$kernels/race.yaml
  [ "$name" = q4k_gemv ] && descriptor=${ptx%.ptx}.yaml
  sed -e '/^file:/d' -e "s|^schema:.*|&\nfile: $ptx|" "$descriptor" >"$work/of.yaml"
  want=$(said "$ptx" "$work/of.yaml" ptx)
  expect "$name on the device" "$(said "$ptx" "$work/of.yaml" cuda)" "$want"
  cat "$work/said"
  [ -e "$cubins/$name.cubin" ] ||
    ptxas -arch="${PV_SM:-sm_90}" "$ptx" -o "$cubins/$name.cubin" 2>/dev/null
  if [ -e "$cubins/$name.cubin" ]; then
    expect "$name as machine code" "$(said "$cubins/$name.cubin" "$work/of.yaml" cuda)" "$want"
  else
    expect "$name.cubin" missing made
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
