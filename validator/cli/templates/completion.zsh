#compdef @NAME@
# Completion of `@NAME@` for zsh: what may be typed is asked of the program itself.
_@NAME@() {
  local line
  local -a lines found
  lines=("${(@f)$("${words[1]}" completion words "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    case $line in
      @files) _files ;;
      @folders) _files -/ ;;
      *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  [[ ${#found} -eq 0 ]] || _describe '@NAME@' found
}
# Loaded by compinit, or sourced.
if [[ ${funcstack[1]} = _@NAME@ ]]; then
  _@NAME@ "$@"
else
  compdef _@NAME@ @NAME@
fi
