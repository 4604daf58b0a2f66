#!/usr/bin/env bash
# The completion: every command that pv has, the options of its own help, sides, identities, faults,
# shapes and ids, each of which the program takes; and the script of each shell.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
probe=$(dirname "$pv")/pv-probe
model=$(cd "$here/../.." && pwd)/models/tiny-coder-moe-Q4_K_M.gguf
run "$pv" completion bash
exits 0
# shellcheck disable=SC1091
source "$work/.out"
tab=$'\t'

# line TEXT: what bash offers at the end of the line, one on a line.
line() {
  COMP_LINE="$pv $1"
  COMP_POINT=${#COMP_LINE}
  COMP_WORDS=("$pv")
  COMPREPLY=()
  _pv 2>/dev/null
  out=$(printf '%s\n' "${COMPREPLY[@]}" | sort -u | grep .)
  call="pv $1"
}
offers() { same "$out" "$(printf '%s\n' "$@" | sort -u)" "$call"; }
# lacks COMMAND OPTION: the program does not know it. A --help behind it ends what it would begin;
# synth looks at that first, and begins nothing without --out.
lacks() {
  if [ "$1" = synth ]; then set -- "$1" "$2"; else set -- "$1" "$2" --help; fi
  "$pv" "$@" 2>&1 | grep -qE "has no option|unknown option '$2'"
}
# each COMMAND...: the program takes every word that was offered in the place of X; $1 is what it says
# of one that it does not take.
each() {
  local refusal=$1 word
  shift
  for word in $out; do
    if "${@//X/$word}" 2>&1 </dev/null | grep -qE "$refusal"; then bad "$call: $word is offered and not taken"; else ok; fi
  done
}

# The commands of the program, from its own help: all of them, and no others.
commands=$("$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
line ''
# shellcheck disable=SC2086
offers $commands help --help --version
# The options of each, from its table in the help: all are offered, all that is offered is known, and
# what is not offered is not.
for command in $commands; do
  line "$command --"
  offered=$out
  options=$("$pv" "$command" --help | sed -n '/^Options:/,/^Examples:/s/^  \(--[a-z-]*\) .*/\1/p')
  if [ "$command" = synth ]; then # it has no such table: the words that its parser compares with
    options="--help $(grep -ohE '"--[a-z-]+"' "$here"/../../runtime/synth/parse.c | tr -d '"')"
  fi
  # shellcheck disable=SC2086
  offers $options
  for option in $offered; do
    if lacks "$command" "$option"; then bad "pv $command has no $option"; else ok; fi
  done
  if lacks "$command" --no-such-option; then ok; else bad "pv $command takes --no-such-option"; fi
  # Of each command that has verbs the usage names them.
  line "$command "
  case $command in
    evidence | ptx | kernel | new | completion)
      for verb in $out; do
        if "$pv" "$command" --help | grep -E '^Usage:' | grep -qw -- "$verb"; then ok; else bad "pv $command $verb"; fi
      done
      ;;
  esac
done

# Sides, part by part, as the probe tells them; engines where they are run, traces where they are read.
described=$("$probe" describe)
of() { python3 -c "import json,sys; d=json.load(sys.stdin); print('\n'.join($1))" <<<"$described"; }
computing=$(of "[k for k in d['sources'] if k not in ('trace', 'llamacpp', 'huggingface', 'engine')]")
line 'run --side '
# shellcheck disable=SC2086
offers $computing
line 'trace --side '
# shellcheck disable=SC2086
offers $computing llamacpp: huggingface: engine:
line 'compare '
# shellcheck disable=SC2086
offers $computing llamacpp: huggingface: engine: trace:
for kind in $computing; do
  line "run --side $kind:"
  if [ -n "$out" ]; then ok; else bad "no identity of $kind"; fi
  each 'is no side' "$pv" run --side "$kind:X" --ids 1 --tokens 1 --model "$model"
done
line 'bisect cpu:i16 cpu:i16@'
# shellcheck disable=SC2046
offers $(of "[f['name'] for f in d['faults']]")
line 'bisect a b --left-fault rope'
offers rope_pairs
line 'run --side=cpu:f'
offers f32-f64acc
line 'judge --as '
each 'there is no identity' "$pv" judge cpu:i16 --as X --ids 1 --model "$work/none"
for option in arch shape layout; do
  line "synth --$option "
  if [ "$(wc -l <<<"$out")" -ge 2 ]; then ok; else bad "$call: $out"; fi
  each "unknown $option" "$pv" synth "--$option" X
done
line 'kernel check --on '
# shellcheck disable=SC2046
offers $(of "[w for c in d['checks'] for p in c['params'] if p['name'] == 'on' for w in p['words']]")
line 'kernel describe x --as q4_'
each 'no operation' "$pv" kernel describe "$work/none.ptx" --as X
line 'validate --format g'
offers github
line 'validate --color al'
offers always
# Ids: all that pv explains, and those of the contracts around.
contract good DRAFT "F_PASS router.topk_rule PROPOSED"
line 'explain '
all=$out
out=$(grep -v '^PV' <<<"$all")
each 'nothing is called' "$pv" explain X
for id in PV001 forward.arbiter VACUOUS kernel-descriptor AC_1 F_PASS; do
  if grep -qxF "$id" <<<"$all"; then ok; else bad "pv explain $id is not offered"; fi
done
line 'lint --rule PV00'
offers PV001 PV002 PV003 PV004 PV005 PV006 PV007 PV008 PV009
line 'validate contracts/good.yaml --only AC_1,F_'
offers AC_1,F_PASS
line 'validate moe-router-v1 --only AC_ROUTER_00'
offers AC_ROUTER_001 AC_ROUTER_002 AC_ROUTER_003
line 'validate moe-r'
offers moe-router-v1
line 'validate contracts/go'
offers contracts/good.yaml
line 'validate --out cont'
offers contracts
line 'new check x --language '
offers c python
line 'validate --ba'
offers --backend
line 'help evi'
offers evidence
line 'nothing '
offers ''
line 'ptx check k --wr'
offers --writers
run "$pv" ptx list
if [ "$code" -eq 0 ]; then
  line 'ptx show gemv_'
  each 'no kernel' "$pv" ptx show X
fi

# Each word has a line of its own with what it is.
run "$pv" completion words bisect --see
same "$out" "--seed${tab}of what is random (default 1)" 'pv completion words'
# The script of each shell names the program as it was called.
ln -s "$pv" other-pv
for shell in bash zsh fish; do
  run ./other-pv completion "$shell"
  exits 0
  if grep -q 'other-pv' <<<"$out" && ! grep -q '@NAME@\|@WORD@' <<<"$out"; then ok; else bad "$shell: $out"; fi
  command -v "$shell" >/dev/null || continue
  if "$shell" -n "$work/.out"; then ok; else bad "$shell does not take its script"; fi
done
# As each shell calls it: by zsh as it finds it in fpath at the first time, for a name with a dash.
if command -v zsh >/dev/null; then
  mkdir functions
  ./other-pv completion zsh >functions/_other-pv
  run zsh -fc 'fpath=($PWD/functions $fpath)
    autoload -U compinit && compinit -u -d "$PWD/dump" && autoload -U +X _other-pv
    _describe() { print -rl -- ${(P)2} }
    words=(./other-pv val) CURRENT=2 && _other-pv
    words=(./other-pv compare cpu:i1) CURRENT=3 && _other-pv'
  says 'validate:run the falsifiers'
  says 'cpu\:i16:i16/2'
fi
if command -v fish >/dev/null; then
  ./other-pv completion fish >other.fish
  run fish -c 'source other.fish; set PATH . $PATH; complete -C "other-pv val"; complete -C "other-pv compare cpu:i1"'
  says "validate${tab}run the falsifiers"
  says "cpu:i16${tab}i16/2"
fi
run "$pv" completion tcsh
exits 2
warns 'there are: bash, zsh, fish'
run "$pv" completion
exits 2
warns 'no shell was named'
finish
