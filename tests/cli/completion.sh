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

# sorted: words one on a line, in order, once.
sorted() { tr ' ' '\n' | grep . | sort -u; }
# lacks COMMAND OPTION: the program does not know it. A --help behind it ends what it would begin;
# synth looks at that first, and begins nothing without --out.
lacks() {
  if [ "$1" = synth ]; then set -- "$1" "$2"; else set -- "$1" "$2" --help; fi
  "$pv" "$@" 2>&1 | grep -qE "has no option|unknown option '$2'"
}

# The commands of the program, from its own help: all of them, and no others.
commands=$("$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
complete_line "$pv" ''
same "$(sorted <<<"$out")" "$(sorted <<<"$commands help --help --version")" 'the commands that are offered'
# The options of each, from its table in the help: all are offered, all that is offered is known, and
# what is not offered is not.
for command in $commands; do
  complete_line "$pv" "$command" --
  offered=$(sorted <<<"$out")
  options=$("$pv" "$command" --help | sed -n '/^Options:/,/^Examples:/s/^  \(--[a-z-]*\) .*/\1/p')
  if [ "$command" = synth ]; then # it has no such table: the words that its parser compares with
    options="--help $(grep -ohE '"--[a-z-]+"' "$here"/../../runtime/synth/parse.c | tr -d '"')"
  fi
  same "$offered" "$(sorted <<<"$options")" "the options of $command that are offered"
  for option in $offered; do
    if lacks "$command" "$option"; then bad "pv $command has no $option"; else ok; fi
  done
  if lacks "$command" --no-such-option; then ok; else bad "pv $command takes --no-such-option"; fi
done
# The kinds of a side that computes, as the probe tells them; engines where they are run.
kinds=$("$pv-probe" describe | awk -F '"' '/"sources"/ { on = 1; next } on && /}/ { exit } on { print $2 }')
complete_line "$pv" trace --side ''
same "$(sorted <<<"$out")" "$(grep -vx trace <<<"$kinds" | sort)" 'the kinds that are offered'
complete_line "$pv" run --side ''
same "$(sorted <<<"$out")" "$(grep -vxE 'trace|llamacpp|huggingface|engine' <<<"$kinds" | sort)" \
  'the kinds that are offered where pv computes'
for command in evidence ptx kernel; do
  complete_line "$pv" "$command" ''
  for verb in $out; do
    if "$pv" "$command" --help | grep -E '^Usage:' | grep -qw -- "$verb"; then ok; else bad "pv $command $verb"; fi
  done
done
complete_line "$pv" val
same "$out" validate 'pv val'
complete_line "$pv" help evi
same "$out" evidence 'pv help evi'
complete_line "$pv" validate --pub
same "$out" --publish 'pv validate --pub'
complete_line "$pv" validate x.yaml --backend cu
same "$out" cuda 'pv validate --backend cu'
complete_line "$pv" validate --format g
same "$out" github 'pv validate --format g'
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
