#!/usr/bin/env bash
# Kernels of somebody else on a device, as PTX and as machine code: the sound ones pass, the defects
# that a device can show fail, and both forms have the verdict of the interpreter. Usage: guest.sh PV
# [FOLDER], with NAME.cubin for each tests/cli/guest/NAME.ptx; without it ptxas makes them, from PATH,
# $CUDA_HOME or /usr/local/cuda, for $PV_SM (default: sm_90).
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
verdict() { # FILE DESCRIPTOR ON
  "$pv" kernel check "$1" --descriptor "$2" --on "$3" >"$work/said" 2>&1
  sed -n '1s/ .*//p' "$work/said"
}

for ptx in "$kernels"/*.ptx "$here"/contracts/examples/kernels/*.ptx; do
  name=$(basename "$ptx" .ptx)
  descriptor=$kernels/gemv.yaml
  [ "$name" = race ] && descriptor=$kernels/race.yaml
  [ "$name" = q4k_gemv ] && descriptor=${ptx%.ptx}.yaml
  want=$(verdict "$ptx" "$descriptor" ptx)
  got=$(verdict "$ptx" "$descriptor" cuda)
  cat "$work/said"
  # Reads behind a buffer, a barrier that a warp does not need and two blocks that happen to take turns
  # are not seen on a device.
  case $name in
    guard | barrier | race) printf '  %s: interpreted %s, on the device %s\n' "$name" "$want" "$got" ;;
    *) expect "$name on the device" "$got" "$want" ;;
  esac
  [ -e "$cubins/$name.cubin" ] ||
    ptxas -arch="${PV_SM:-sm_90}" "$ptx" -o "$cubins/$name.cubin" 2>/dev/null
  # What stands in the text alone, an approximation, is not seen in machine code.
  if [ ! -e "$cubins/$name.cubin" ]; then
    expect "$name.cubin" missing made
  elif [ "$name" != reciprocal ]; then
    expect "$name as machine code" "$(verdict "$cubins/$name.cubin" "$descriptor" cuda)" "$got"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
