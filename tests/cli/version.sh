#!/usr/bin/env bash
# pv version and the commands that belong to the probe.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
run "$pv" version --probe "$fake"
exits 0
says 'kernels_sha256'
says 'i16-v1'
run "$pv" version --probe "$fake" --json
exits 0
field "d['probe']['device']" none
field "len(d['pv_sha256'])" 64
run "$pv" version --probe /nowhere/x --json
exits 2
field "d['probe']" None
run "$pv" --version
exits 0
says 'pv '

# handed on with arguments, streams and exit code: a copy of pv beside a probe of our own
mkdir bin
cp "$pv" bin/pv
printf '#!/bin/sh\nprintf "%%s|" "$@"\ncat\nexit 7\n' >bin/pv-probe
chmod +x bin/pv-probe
for command in run trace compare tensors synth bench; do
  run bin/pv "$command" --model 'a b' -- x <<<'input'
  exits 7
  same "$out" "$command|--model|a b|--|x|input" "pv $command"
done
rm bin/pv-probe
run bin/pv run
exits 2
warns 'pv-probe'
finish
