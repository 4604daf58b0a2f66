#!/usr/bin/env bash
# What a contract may leave out has a value that works: the example of docs/contract-format.md, as it
# stands there, is judged by the real probe, and no falsifier without a time limit has one of 0 s.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"

awk '/^```yaml/ { on = 1; next } /^```/ { on = 0 } on' "$here/../../docs/contract-format.md" >example
name=$(sed -n 's/^  name: //p' example | head -1)
mv example "contracts/$name.yaml"
same "$(grep -c timeout_s "contracts/$name.yaml")" 0 'time limits in the example'
run "$pv" validate "contracts/$name.yaml"
exits 0
silent TIMEOUT
run "$pv" validate "contracts/$name.yaml" --faults
exits 0
says 'planted faults: 1 of 1 pairs'
run "$pv" explain "$(sed -n 's/^  - id: \(F_.*\)/\1/p' "contracts/$name.yaml")"
exits 0

# Each check once, with nothing but what it needs.  The stand-in for the probe computes on the cpu alone.
checks=()
while read -r check; do checks+=("F_PASS_${#checks[@]} $check PROPOSED"); done < <(
  sed -nE 's/^## ([a-z]+\.[a-z0-9_]+)$/\1/p' "$here/../../docs/checks.md")
if [ "${#checks[@]}" -ge 20 ]; then ok; else bad "only ${#checks[@]} checks in docs/checks.md"; fi
contract bare DRAFT "${checks[@]}"
cp "$here"/../../contracts/examples/kernels/q4k_gemv.{yaml,ptx} contracts/
sed -i -E '/^    timeout_s:/d; /^    (prediction|if_fails|formal):/d
  s/^    check: (forward\.(argmax|parity)|router\.index_sets)$/&\n    with: {right: cpu}/
  s/^    check: (gemv\.(bound|exact)|quant\.blocks)$/&\n    with: {type: Q6_K}/
  s/^    check: kernel\.guest$/&\n    with: {descriptor: q4k_gemv.yaml, kernel: q4k_gemv.ptx, on: cpu}/
  s/^    check: ptx\.emit$/&\n    with: {kernel: gemv}/
  s/^    check: ptx\.flow$/&\n    with: {kernel: gemv, writers: [zero]}/' contracts/bare.yaml
run "$pv" lint contracts/bare.yaml
exits 0
validate contracts/bare.yaml
exits 0
silent TIMEOUT

# A limit that says what the default says is no change.
sed 's/^    check: router.topk_rule$/&\n    timeout_s: 30/' contracts/bare.yaml >said.yaml
run "$pv" diff contracts/bare.yaml said.yaml
silent timeout_s
sed 's/^    check: router.topk_rule$/&\n    timeout_s: 31/' contracts/bare.yaml >said.yaml
run "$pv" diff contracts/bare.yaml said.yaml
says 'timeout_s is 31, was 30'
finish
