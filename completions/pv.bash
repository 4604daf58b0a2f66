# Completion of `pv` for bash: source this file, or install it as
# share/bash-completion/completions/pv. Options are asked of `pv COMMAND --help`, so that they are
# always those of the installed program.
_pv() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} i command=''
  local commands='validate lint status diff history explain new evidence signature run trace compare bisect judge noise
    perplexity faults inspect tensors synth reference bench kernel ptx version help'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) ;;
      *)
        command=${COMP_WORDS[i]}
        break
        ;;
    esac
  done
  if [ -z "$command" ] || { [ "$command" = help ] && [ "$COMP_CWORD" -eq 2 ]; }; then
    mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
    return
  fi
  case $previous in
    --fault | --left-fault)
      mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" faults --names 2>/dev/null)" -- "$word")
      return
      ;;
    --side | --against)
      local kinds='cpu scalar avx2 vnni cuda ptx f64 definition'
      case $command in trace | perplexity) kinds+=' llamacpp huggingface engine' ;; esac
      mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$word")
      return
      ;;
    --as)
      [ "$command" != kernel ] || mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" kernel operations \
        2>/dev/null | sed -n 's/^\([a-z0-9_]*\): .*/\1/p')" -- "$word")
      return
      ;;
    --format)
      mapfile -t COMPREPLY < <(compgen -W 'text json github sarif' -- "$word")
      return
      ;;
    --color)
      mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$word")
      return
      ;;
    --backend)
      mapfile -t COMPREPLY < <(compgen -W 'cpu cuda ptx' -- "$word")
      return
      ;;
    --only)
      # Ids of the contracts that are named on the line.
      mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^ *- id: *//p' \
        $(printf '%s\n' "${COMP_WORDS[@]}" | grep '\.yaml$') 2>/dev/null)" -- "$word")
      return
      ;;
  esac
  if [[ $command = evidence && $previous = evidence && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'verify show' -- "$word")
    return
  fi
  if [[ $command = new && $previous = new && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'check contract' -- "$word")
    return
  fi
  if [[ $command = new && $previous = --language ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'c python' -- "$word")
    return
  fi
  if [[ $command = kernel && $previous = kernel && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'list check bench operations describe' -- "$word")
    return
  fi
  if [[ $command = kernel && $previous =~ ^(check|bench)$ && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "all $("${COMP_WORDS[0]}" kernel list 2>/dev/null |
      sed -n 's/^\([a-z0-9_]*\) (.*/\1/p')" -- "$word")
    [ "$previous" = bench ] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(
      compgen -f -- "$word" | grep -E '\.(ptx|cubin|yaml)$')
    return
  fi
  if [[ $command = ptx && $previous = ptx && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'list show check' -- "$word")
    return
  fi
  if [[ $command = ptx && $previous =~ ^(show|check)$ && $word != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" ptx list 2>/dev/null |
      cut -d ' ' -f 1)" -- "$word")
    return
  fi
  case $word in
    -*)
      mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null |
        sed '/^Examples:/,$d' | grep -o -- '--[a-z][a-z-]*' | sort -u)" -- "$word")
      ;;
    *) compopt -o default 2>/dev/null ;;
  esac
}
complete -F _pv pv
