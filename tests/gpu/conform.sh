#!/usr/bin/env bash
# The conformance suite of the PTX interpreter on the device. Usage: conform.sh PV-PTX-CONFORM [FILE]
# Without FILE the device must give the answers that are kept in the repository; with it, its answers
# are written there, and a second run must give the same.
set -u
conform=$1
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/tests/unit/ptx/conform
kept=$(mktemp)
trap 'rm -f "$kept"' EXIT
cat "$folder"/h100.txt "$folder"/h200.txt >"$kept"
answers=${2:-$kept}
if [ $# -gt 1 ] && ! "$conform" --on device --write "$answers"; then
  echo "FAILED: no answers for every kernel"
  exit 1
fi
"$conform" --on device --check "$answers"
