#!/usr/bin/env bash
# Every falsifier of every contract catches every fault that it declares, and docs/faults.md lists
# them. With PV_FAULT_MATRIX=print only the table is made. What a build without CUDA kernels cannot
# judge is left out of the comparison, and said.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
cd "$here/../.." || exit 1

table='| falsifier | check | catches |
|---|---|---|'
lost=''
mkdir -p "$work/tree/contracts" "$work/tree/reports"
cp -r models "$work/tree/"
cp -r reports/published "$work/tree/reports/" # the evidence that contracts name
# The limits of a contract are for a machine of one's own; here they only end what hangs.
for file in contracts/*.yaml; do
  sed -E 's/^( +timeout_s:) [0-9]+/\1 1800/' "$file" >"$work/tree/$file"
done
for file in contracts/*.yaml; do
  run "$pv" validate "$work/tree/$file" --faults --json --out "$work/reports"
  if [ "$code" -ne 0 ] && [ "$code" -ne 1 ] && [ "$code" -ne 3 ]; then
    bad "$file was not judged: $err"
    continue
  fi
  rows=$(python3 -c '
import json, sys
d = json.load(sys.stdin)
for f in d["falsifiers"]:
    if f["faults"]["killed"]:
        print("| `%s` | `%s` | %s |" % (f["id"], f["check"], ", ".join(f["faults"]["killed"])))' <<<"$out")
  [ -z "$rows" ] || table+=$'\n'"$rows"
  lost+=$(python3 "$here/fault_pairs.py" "$work/.out" "$work/.err")$'\n'
done
if [ "${PV_FAULT_MATRIX:-}" = print ]; then
  echo "$table"
  exit 0
fi
absent=$(grep '^absent' <<<"$lost")
[ -z "$absent" ] || printf 'not judged by this build:\n%s\n' "$absent"
same "$(grep '^late' <<<"$lost")" '' 'pairs that ran into a time limit (neither caught nor survived)'
same "$(grep -E '^(survives|untried)' <<<"$lost")" '' 'pairs that survive'
page=$(sed -n '/^| falsifier | check/,/^$/p' docs/faults.md)
while read -r _ id fault _; do
  page=$(awk -v id="\`$id\`" -v fault="$fault" -F' [|] ' '
    $1 != "| " id { print; next }
    { n = split(substr($3, 1, length($3) - 2), all, ", "); left = ""
      for (i = 1; i <= n; i++) if (all[i] != fault) left = left (left == "" ? "" : ", ") all[i]
      if (left != "") print $1 " | " $2 " | " left " |" }' <<<"$page")
done < <(printf '%s' "$absent")
same "$page" "$table" 'docs/faults.md'
finish
