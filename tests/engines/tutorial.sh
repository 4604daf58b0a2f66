#!/usr/bin/env bash
# docs/judge-an-engine.md, word by word over a real llama.cpp: each command is run as it stands there,
# and what the page quotes behind it must be in what it prints. $1 is pv; the writer's llama.cpp is that
# of llamacpp.sh, which runs before.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
root=$PWD
dir=${PV_LLAMA_CPP:-$root/build-engines/llama.cpp}
export LLAMA_CPP=$dir LLAMA_CPP_BUILD=${PV_LLAMA_CPP_BUILD:-$dir}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$pv" "$work/bin/pv"
ln -s "$root/engines" "$root/models" "$work/"
PATH=$work/bin:$PATH
passed=0
failed=0
out=$work/out
commands=0
cd "$work" || exit 1
while IFS= read -r line; do
  case $line in
    '    '*)
      bash -c "${line#    }" >"$out" 2>&1
      code=$?
      commands=$((commands + 1))
      case $line in *@*) want=1 ;; *) want=0 ;; esac
      if [ $code -eq $want ]; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        printf 'FAILED %s: exit %s: %s\n' "$line" "$code" "$(head -n 3 "$out")"
      fi
      ;;
    '> '*)
      if grep -qF -- "${line#> }" "$out"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        printf 'FAILED the page says "%s", and: %s\n' "${line#> }" "$(head -n 5 "$out")"
      fi
      ;;
  esac
done <"$root/docs/judge-an-engine.md"
[ "$commands" -ge 8 ] || { failed=$((failed + 1)); printf 'FAILED only %s commands on the page\n' "$commands"; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
