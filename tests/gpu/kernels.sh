#!/usr/bin/env bash
# Each kernel alone on the device, against its definition; and that one can be timed. Usage: kernels.sh PV
set -u
pv=$1
"$pv" kernel check all --on cuda || exit 1
for kernel in scan all; do
  "$pv" kernel bench "$kernel" || exit 1
done
