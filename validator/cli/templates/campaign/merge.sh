#!/usr/bin/env bash
# Joins the parts of the campaign to runs, of each model one for each contract, in runs/. The exit code is
# the worst of them; 3 where a part is missing, which is named.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 2
source "$here/plan.sh" || exit 2
cd "$here/$root" || exit 2
shopt -s nullglob
worst=0
# take CODE: the worse of it and those before.
take() {
  local order=' 0 3 1 2 4 ' now=${1/#[!0-4]*/4} before after
  before=${order%% "$worst" *} after=${order%% "$now" *}
  if [ ${#after} -gt ${#before} ]; then worst=$now; fi
}
for m in "${!models[@]}"; do
  missing=()
  for ((i = m * parts; i < (m + 1) * parts; i++)); do
    [ -d "$here/parts/part-$i" ] || missing+=("$i")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    echo "parts that nobody judged: ${missing[*]}; for each: bash $here/part.sh INDEX" >&2
    take 3
  fi
  for name in "${names[@]}"; do
    folders=()
    for ((i = m * parts; i < (m + 1) * parts; i++)); do
      folders+=("$here/parts/part-$i/$name/parts"/*/)
    done
    if [ ${#folders[@]} -eq 0 ]; then continue; fi # nobody judged any, which is said above
    "$program" evidence merge "${folders[@]%/}" --out "$here/runs" ${probe[@]+"${probe[@]}"}
    take $?
  done
done
exit "$worst"
