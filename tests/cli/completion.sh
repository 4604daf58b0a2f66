#!/usr/bin/env bash
# The completion: every command that pv has, the options of its own help, ids of a contract.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
# shellcheck disable=SC1091
source "$here/../../completions/pv.bash"

# complete_line WORD...: what is offered for the last word.
complete_line() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _pv
  out=${COMPREPLY[*]-}
  call=$*
}

# commands of the program, from its own help
for command in $("$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  complete_line "$pv" "$command"
  same "$out" "$command" "completion of $command"
done
complete_line "$pv" val
same "$out" validate 'pv val'
complete_line "$pv" help evi
same "$out" evidence 'pv help evi'
complete_line "$pv" validate --pub
same "$out" --publish 'pv validate --pub'
complete_line "$pv" validate x.yaml --backend cu
same "$out" cuda 'pv validate --backend cu'
complete_line "$pv" evidence v
same "$out" verify 'pv evidence v'
complete_line "$pv" ptx c
same "$out" check 'pv ptx c'
complete_line "$pv" ptx check k --wr
same "$out" --writers 'pv ptx check --wr'
contract good DRAFT "F_PASS router.topk_rule PROPOSED"
complete_line "$pv" validate contracts/good.yaml --only F_
same "$out" F_PASS 'pv validate --only F_'
finish
