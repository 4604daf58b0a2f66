#!/usr/bin/env bash
# `cmake --install`, moved to another place and made read-only: everything works there for a user who
# owns none of it, from a folder of theirs, and nothing is written but there. $3 is the build.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
build=$3
place=$(mktemp -d)
trap 'cd "$began"; chmod -R u+w "$place"; rm -rf "$work" "$place"' EXIT
chmod 755 "$place"
mkdir "$place/user"
as=()
if [ "$(id -u)" -eq 0 ]; then
  as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  chown 65534:65534 "$place/user"
fi

DESTDIR=$place/staged cmake --install "$build" --prefix /opt/pv >"$work/log" 2>&1 || bad "$(tail -5 "$work/log")"
mv "$place/staged/opt/pv" "$place/moved"
share=$place/moved/share/pv-contracts
chmod -R a-w "$place/moved"
cd "$place/user" || exit 1
user() { run "${as[@]}" env HOME="$place/user" "$place/moved/bin/pv" "$@"; }

# What is in the sources lies there as it is there.
for folder in contracts engines/llama.cpp engines/huggingface examples reports/published; do
  same "$(diff -rq "$root/$folder" "$share/$folder" | grep -v -e '\.lock$' -e __pycache__)" '' "$folder"
done
same "$(diff -rq "$root/docs" "$place/moved/share/doc/pv-contracts/docs")" '' docs
for page in "$root"/{README,CHANGELOG}*.md "$root/LICENSE"; do
  same "$(cmp "$page" "$place/moved/share/doc/pv-contracts/${page##*/}" 2>&1)" '' "$page"
done
same "$(cmp "$root"/models/tiny-coder-moe.reference "$share"/models/tiny-coder-moe.reference 2>&1)" '' 'the reference'
same "$(grep -rlF -e "$root" -e "$place" "$place/moved" | head -3)" '' 'files that name a folder of the build'

# The main contract, by its name. Without receipts that hold some of it is not judged.
user validate qwen3-moe-forward-gpu-v1
if [ "$code" -eq 0 ] || [ "$code" -eq 3 ]; then ok; else bad "$call: exit $code: $out $err"; fi
says "model: $share/models/tiny-coder-moe-Q4_K_M.gguf"
says 'report: reports/runs/qwen3-moe-forward-gpu-v1/'
says 'PASS AC_GPU_MOE_002'
receipts=$(sed -n 's/.*receipt.*/x/p' <<<"$out" | wc -l)
if [ "$receipts" -gt 0 ]; then ok; else bad "$call: no receipt: $out"; fi
user evidence verify "$place"/user/reports/runs/*/*
if [ "$code" -eq 0 ] || [ "$code" -eq 3 ]; then ok; else bad "$call: exit $code: $out $err"; fi
silent 'is not here'
user validate moe-router-v1.yaml --only AC_ROUTER_001 --out elsewhere
says 'PASS AC_ROUTER_001'
same "$(ls elsewhere)" moe-router-v1 'the folder of --out'
user validate moe-router-v2
exits 2
warns "'moe-router-v2'"
user status
says 'moe-router-v1'
user explain AC_GPU_MOE_002
exits 0
user lint "$share/contracts"
exits 0
user validate --model "$share/models/tiny-coder-moe-Q4_K_M.gguf" --ids 861,1644 --only AC_MODEL_003 --backend cpu
says 'report: reports/runs/model-forward-v1/'
user validate "$share/contracts/examples/provider-example-v1.yaml"
exits 0
# Where nobody can write there is no report, and it is said before anything runs.
mkdir "$work/shut"
chmod 555 "$work" "$work/shut"
cd "$work/shut" || exit 1
if [ ${#as[@]} -gt 0 ]; then
  user validate moe-router-v1
  exits 2
  warns 'nor in the working folder, which can not be written'
  warns '--out DIR'
fi
chmod 755 "$work"
cd "$place/user" || exit 1
same "$(find "$place/moved" -newer "$place/user/elsewhere")" '' 'what was changed in the installation'

# Which pv this is.
user version
exits 0
same "$(sed -n 's/^  commit  *//p' <<<"$out" | grep -cE '^([0-9a-f]{40}( \(changed\))?|none: .*)$')" 1 'the commit'
if [ -n "$(sed -n 's/^  build  *//p' <<<"$out")" ]; then ok; else bad "no build: $out"; fi
user version --json
field "d['build'] == '$("$pv" version | sed -n 's/^  build  *//p')'" True

# A page for each command, with its options, and no complaint of man's.
man=$place/moved/share/man/man1
for command in $("$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  if [ -s "$man/pv-$command.1" ]; then ok; else bad "no man page of $command"; fi
  said=$(sed 's/\\-/-/g; s/\\&//g' "$man/pv-$command.1")
  for option in $("$pv" "$command" --help | sed -n '/^Examples:/,$d; s/^  \(--[a-z-]*\).*/\1/p'); do
    grep -q -- "^\.B[I]* $option" <<<"$said" || bad "the page of $command lacks $option"
  done
done
if command -v man >/dev/null; then
  # shellcheck disable=SC2046
  same "$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$man"/*.1 2>&1 >/dev/null | head -3)" '' 'man'
fi

# Completion, by the installed script over the installed program.
same "$(bash -c 'source "$1"/share/bash-completion/completions/pv
  COMP_LINE="$1/bin/pv valid" COMP_POINT=$((${#1} + 13)) COMP_WORDS=("$1/bin/pv")
  _pv; echo "${COMPREPLY[@]}"' bash "$place/moved" 2>/dev/null)" validate 'the completion of bash'
for file in zsh/site-functions/_pv fish/vendor_completions.d/pv.fish; do
  if grep -q 'completion words' "$place/moved/share/$file"; then ok; else bad "no $file"; fi
done

# A kernel of somebody else, against the installed header.
if PKG_CONFIG_PATH=$place/moved/share/pkgconfig pkg-config --cflags pv-kernel >flags; then ok; else bad 'no pv-kernel.pc'; fi
# shellcheck disable=SC2046
cc -shared -fPIC -O2 $(cat flags) "$share/examples/kernels/q4_k_gemv.c" -o libmine.so -lm || bad 'the example does not compile'
user kernel check ./libmine.so
exits 0
finish
