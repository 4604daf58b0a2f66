#!/usr/bin/env bash
# What `pv new` writes works as it is, and nothing is written over.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
for language in python c; do
  name=new-$language
  run "$pv" new check "$name" --language "$language"
  exits 0
  run "$pv" new contract "$name" --language "$language"
  exits 0
  run "$pv" new contract "$name" --language "$language"
  exits 2
  warns 'there is a file'
  if [ "$language" = c ] && ! command -v cc >/dev/null; then continue; fi
  run "$pv" validate "$name.yaml" --faults
  exits 0
  says 'planted faults: 1 of 1 pairs of falsifier and fault were caught'
  run "$pv" lint "$name.yaml"
  says '0 errors, 0 warnings'
done
run "$pv" new check --language python printed --stdout
exits 0
says '"name": "printed"'
if [ -e printed.py ]; then bad '--stdout wrote a file'; else ok; fi
run "$pv" new check ../outside
exits 2
run "$pv" new thing mine
exits 2
run "$pv" new check mine --language cobol
exits 2
ln -s nowhere linked.py
run "$pv" new check linked
exits 2
if [ -e nowhere ]; then bad 'it wrote through a link'; else ok; fi
finish
