#!/usr/bin/env bash
# The Debian package in a clean root made by debootstrap, as root: $1 is the package. It is installed
# beside Debian's own pv, used by an ordinary user from a folder of theirs, looked at by lintian, and
# purged. $PV_DEBIAN_ROOT names a folder that keeps the clean root for the next time.
set -u
package=$(realpath "$1")
passed=0
failed=0
ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
die() {
  bad "$*"
  finish
  exit 1
}
finish() { echo "$passed passed, $failed failed"; }
[ "$(id -u)" -eq 0 ] || die 'debootstrap and chroot need root: sudo ./dev test --install'
command -v debootstrap >/dev/null || die 'debootstrap is not there: apt-get install debootstrap'

work=$(mktemp -d)
root=$work/root
cleanup() {
  mountpoint -q "$root/proc" && umount "$root/proc"
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
mirror=$(sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+) .*/\2/p' \
  /etc/apt/sources.list /etc/apt/sources.list.d/debian.* 2>/dev/null | head -1)
kept=${PV_DEBIAN_ROOT:-$work}/debian.tar
if [ ! -f "$kept" ]; then
  debootstrap --variant=minbase bookworm "$work/made" "${mirror:-http://deb.debian.org/debian}" \
    >"$work/log" 2>&1 || die "debootstrap: $(tail -3 "$work/log")"
  mkdir -p "$(dirname "$kept")"
  tar -C "$work/made" -cf "$kept.new" . && mv "$kept.new" "$kept"
  rm -rf --one-file-system "$work/made"
fi
mkdir "$root"
tar -C "$root" -xf "$kept" || die 'the clean root can not be unpacked'
mount -t proc proc "$root/proc" || die 'no /proc in the root: is this a container without rights?'

# inside COMMAND...: in the root, as root; user COMMAND: by a shell of an ordinary user, in their folder.
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
user() {
  said=$(inside setpriv --reuid reader --regid reader --init-groups env HOME=/srv/reader \
    PATH="${path:-/usr/local/bin:/usr/bin:/bin}" bash -c "cd && $1" 2>&1)
  code=$?
}
exits() { if [ "$code" -eq "$1" ]; then ok; else bad "$2: exit $code, want $1: $said"; fi; }
says() { if grep -qF -- "$1" <<<"$said"; then ok; else bad "$2: no '$1' in: $said"; fi; }
# What there is, without what apt and dpkg write for themselves.
files() { (cd "$root" && find . -path ./proc -prune -o \( -type f -o -type l -o -type d \) -print) |
  grep -vE '^\./(var/(lib/(dpkg|apt|systemd)|cache|log)|srv/reader|tmp|etc/ld\.so\.cache)(/|$)' | sort; }

inside apt-get update -qq >"$work/log" 2>&1 || die "apt-get update: $(tail -3 "$work/log")"
# Slim roots leave out what documentation there is; this one keeps it, and sh is as it was.
inside apt-get install -y -qq --no-install-recommends pv man-db bash-completion zsh fish lintian git python3 \
  $(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/,//g') >"$work/log" 2>&1 || die "apt-get install: $(tail -5 "$work/log")"
inside useradd -m -d /srv/reader reader
files >"$work/before"
viewer=$(sha256sum <"$root/usr/bin/pv")

cp "$package" "$root/tmp/pv-contracts.deb"
said=$(inside lintian --allow-root --fail-on error,warning /tmp/pv-contracts.deb 2>&1)
code=$?
exits 0 lintian
if [ -z "$said" ]; then ok; else bad "lintian: $said"; fi
said=$(inside apt-get install -y -qq /tmp/pv-contracts.deb 2>&1)
code=$?
exits 0 'the installation'
if [ "$(sha256sum <"$root/usr/bin/pv")" = "$viewer" ]; then ok; else bad "Debian's pv was touched"; fi

user 'pv --version'
says 'pv 1' "Debian's own pv"
user 'pv-contracts --version'
exits 0 'pv-contracts --version'
says 'commit' 'pv-contracts --version'
# The main contract, from a folder of the user's, without the repository.
user 'mkdir mine && cd mine && pv-contracts validate qwen3-moe-forward-gpu-v1'
exits 0 'the main contract'
says 'Verified' 'the main contract'
says 'reports/runs/qwen3-moe-forward-gpu-v1/' 'the main contract'
user 'cd mine && pv-contracts evidence verify reports/runs/*/*'
exits 0 'the evidence'
user 'pv-contracts validate --model /usr/share/pv-contracts/models/tiny-coder-moe-Q4_K_M.gguf --backend cpu'
exits 0 'any model'
user 'pv-contracts status'
exits 0 'pv-contracts status'
user "pv-contracts run --model /usr/share/pv-contracts/models/tiny-coder-moe-Q4_K_M.gguf --prompt 'class Stack:' --tokens 4"
exits 0 'text'
if [ -z "$(find "$root/usr" "$root/etc" -uid "$(inside id -u reader)" 2>&1)" ]; then ok; else bad 'the user wrote into the system'; fi

# As pv: by a folder in PATH for one user, by an alternative for all. Both leave the pipe viewer alone.
path=/usr/lib/pv-contracts/bin:/usr/bin:/bin user 'pv lint /usr/share/pv-contracts/contracts'
exits 0 'pv by PATH'
inside update-alternatives --install /usr/local/bin/pv pv /usr/bin/pv-contracts 10 >/dev/null 2>&1
user 'pv explain AC_GPU_MOE_002'
exits 0 'pv by an alternative'

# The tutorial, word by word, by the installed pv.
for file in tests/pages.sh tests/meta/tutorial.sh docs/tutorial.md; do
  install -D -m 644 "$file" "$root/srv/reader/page/$file"
done
user 'cd page && bash tests/meta/tutorial.sh /usr/lib/pv-contracts/bin/pv'
exits 0 'the tutorial'
says ', 0 failed' 'the tutorial'

for command in $(inside pv-contracts --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  user "man -w pv-contracts-$command"
  exits 0 "man pv-contracts-$command"
done
user 'man pv-contracts | col -b'
says 'prove or refute numerical claims' 'man pv-contracts'
user 'man -w pv'
says '/usr/share/man/man1/pv.1.gz' "the pipe viewer's own page"

user 'source /usr/share/bash-completion/bash_completion; _completion_loader pv-contracts
  COMP_WORDBREAKS=" @:="
  COMP_LINE="pv-contracts bisect cpu:i16 cpu:i16@rope_p" COMP_POINT=42 COMP_WORDS=(pv-contracts) COMP_CWORD=0
  _pv_contracts 2>/dev/null; echo "<${COMPREPLY[*]}>"'
says '<rope_pairs>' 'the completion of bash'
user 'fish -c "complete -C \"pv-contracts val\""'
says 'validate' 'the completion of fish'
user 'fish -c "complete -C \"pv-contracts compare cpu:i1\""'
says 'cpu:i16' 'a side in fish'
user 'zsh -fc "autoload -U compinit && compinit -u -d /tmp/reader.zcompdump && autoload -U +X _pv-contracts
  _describe() { print -rl -- \${(P)2} } ; words=(pv-contracts val) CURRENT=2; _pv-contracts"'
says 'validate:run the falsifiers' 'the completion of zsh'
rm -f "$root/tmp/reader.zcompdump"
user 'pkg-config --version >/dev/null 2>&1 || grep -q Cflags /usr/share/pkgconfig/pv-kernel.pc'
exits 0 'pv-kernel.pc'

said=$(inside apt-get purge -y -qq pv-contracts 2>&1)
code=$?
exits 0 'the removal'
files >"$work/after"
if cmp -s "$work/before" "$work/after"; then ok; else bad "left behind: $(diff "$work/before" "$work/after" | head -5)"; fi
if [ "$(sha256sum <"$root/usr/bin/pv")" = "$viewer" ]; then ok; else bad "Debian's pv was touched"; fi
finish
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
