# Completion of `@NAME@` for bash: what may be typed is asked of the program itself.
_@WORD@() {
  local line=${COMP_LINE:0:COMP_POINT} last word cut='' i files=() words=()
  COMPREPLY=()
  # Blanks alone part words: bash would cut a side, cpu:i16@fault, into three.
  read -ra words <<<"$line"
  [[ $line != *[[:blank:]] ]] || words+=('')
  last=${words[-1]}
  # bash replaces what stands behind the last of its own breaks.
  for ((i = 0; i < ${#last}; i++)); do
    [[ $COMP_WORDBREAKS != *"${last:i:1}"* ]] || cut=${last:0:i+1}
  done
  while IFS= read -r word; do
    case $word in
      @files) mapfile -t files < <(compgen -f -- "${last#"$cut"}") ;;
      @folders) mapfile -t files < <(compgen -d -- "${last#"$cut"}") ;;
      *)
        word=${word%%$'\t'*}
        COMPREPLY+=("${word#"$cut"}")
        ;;
    esac
  done < <("${COMP_WORDS[0]}" completion words "${words[@]:1}" 2>/dev/null)
  [ ${#files[@]} -eq 0 ] || compopt -o filenames 2>/dev/null
  COMPREPLY+=("${files[@]}")
  # After "cpu:i16" may stand "@", after "trace" ":".
  [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[:=@] ]] || compopt -o nospace 2>/dev/null
}
complete -F _@WORD@ @NAME@
