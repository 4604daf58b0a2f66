#!/usr/bin/env bash
# Every falsifier of every contract catches every fault that it declares, and docs/faults.md lists
# them. With PV_FAULT_MATRIX=print only the table is made.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
cd "$here/../.." || exit 1

table='| falsifier | check | catches |
|---|---|---|'
survived=''
for file in contracts/*.yaml; do
  run "$pv" validate "$file" --faults --json --out "$work/reports"
  rows=$(python3 -c '
import json, sys
d = json.load(sys.stdin)
for f in d["falsifiers"]:
    if f["faults"]["killed"]:
        print("| `%s` | `%s` | %s |" % (f["id"], f["check"], ", ".join(f["faults"]["killed"])))' <<<"$out")
  survived+=$(python3 -c '
import json, sys
d = json.load(sys.stdin)
absent = not d["model"]
for f in d["falsifiers"]:
    for x in f["faults"]["declared"]:
        if x not in f["faults"]["killed"] and not absent:
            print(f["id"], x)' <<<"$out")
  [ -z "$rows" ] || table+=$'\n'"$rows"
done
if [ "${PV_FAULT_MATRIX:-}" = print ]; then
  echo "$table"
  exit 0
fi
same "$survived" '' 'pairs that survive'
same "$(sed -n '/^| falsifier | check/,/^$/p' docs/faults.md)" "$table" 'docs/faults.md'
finish
