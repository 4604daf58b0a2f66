#!/usr/bin/env bash
# Judges one part of the campaign: part.sh INDEX, from 0. What it leaves, it leaves whole: one that was
# killed is run again, here or elsewhere, and one that was judged is not judged twice.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 2
source "$here/plan.sh" || exit 2
index=${1:-}
if ! [[ $index =~ ^[0-9]+$ ]] || [ "$index" -ge $((${#models[@]} * parts)) ]; then
  echo "part.sh: INDEX is from 0 to $((${#models[@]} * parts - 1)), not '$index'" >&2
  exit 2
fi
cd "$here/$root" || exit 2
model=${models[index / parts]}
judged=$here/parts/part-$index
if [ -d "$judged" ]; then
  echo "part $index is judged already: $judged"
  exit 0
fi
mkdir -p "$here/parts" "$here/costs" || exit 2 # git keeps no folder that is empty
# Each attempt has a place of its own: two of them may be at it, where a host was given up too early.
try=$(mktemp -d "$here/parts/.part-$index.XXXXXX") || exit 2
trap 'rm -rf "$try"' EXIT
"$program" validate "${contracts[@]}" ${model:+--model "$model"} --shard "$((index % parts + 1))/$parts" \
  --costs "$here/costs" --out "$try" ${options[@]+"${options[@]}"}
code=$?
# What is false was judged too: the exit code of the campaign is that of merge.sh.
case $code in
  0 | 1 | 3) ;;
  *) exit "$code" ;;
esac
# The first attempt that is whole has the name, in one step; of another one nothing stays.
chmod 755 "$try" || exit 2
if ! mv -T "$try" "$judged" 2>/dev/null; then [ -d "$judged" ]; fi
