#!/usr/bin/env bash
# Contracts from strangers, through the program itself: each is refused by its rule, soon, nothing is
# run or written, and nothing that is printed carries a control or bidirectional character.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../cli/lib.sh"
rung=ACTIVE_ALGORITHM_LEVEL
contract good $rung "F_PASS_1 router.topk_rule $rung"
export PV_FAKE_LOG=$work/.pids

# clean: no byte that moves a cursor or reorders a line.
clean() {
  if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xc2[\x80-\x9f]|\xd8\x9c' \
    "$work/.out" "$work/.err"; then
    bad "$call: prints $(cat -v "$work/.out" "$work/.err")"
  else
    ok
  fi
}

# Each process has so many seconds of the processor's time: how busy the machine is changes nothing.
ulimit -S -t 20

# refused RULE FILE: by validate.
refused() {
  validate "$2"
  exits 2
  warns "[$1]"
  clean
}

# edited RULE NAME SED-EXPRESSION: the sound contract with one thing changed.
edited() {
  sed "s/name: good/name: $2/; $3" contracts/good.yaml >"contracts/$2.yaml"
  if cmp -s contracts/good.yaml "contracts/$2.yaml"; then bad "$2: nothing was changed"; fi
  refused "$1" "contracts/$2.yaml"
}

validate contracts/good.yaml # else every refusal below could have another cause
exits 0
rm -rf reports "$PV_FAKE_LOG"

# names that become file names
mkdir contracts/a 'contracts/ '
for name in .. . a/b ' ' '\\e[31mgood' '~' '$HOME'; do
  # shellcheck disable=SC2059
  file=contracts/$(printf "$name").yaml
  sed "s|name: good|name: \"$name\"|" contracts/good.yaml >"$file"
  refused PV024 "$file"
done
edited PV029 up 's|^  amendment_history|  depends_on: [../contracts/good]\n&|'
edited PV029 root 's|^  amendment_history|  depends_on: [/etc/passwd]\n&|'
edited PV030 run 's|      title: First version|&\n      evidence: ../../../etc|'
edited PV030 here 's|      title: First version|&\n      evidence: ".."|'
edited PV027 check 's|check: .*|check: ../../bin/sh|'

# numbers that other readers take for numbers
n=0
for number in nan .nan NaN inf -.inf 0x10 0o17 010 +1 1_000 .5 5. 1e999 1e-999 0 -1 '"1 "' 5s true '~'; do
  n=$((n + 1))
  edited PV014 "number$n" "s/timeout_s: 100/timeout_s: $number/"
done

# indirections, second values, encodings
edited PV007 anchor 's/property: Claim 1/property: \&a Claim/'
edited PV007 alias 's/property: Claim 1/property: *a/'
edited PV007 tag 's/property: Claim 1/property: !!binary Claim/'
edited PV007 merge 's/^    property/    <<: {id: x}\n&/'
edited PV008 twice 's/^    property: .*/&\n    property: other/'
edited PV009 second '$s/$/\n---\nschema: pv\/contract\/v1/'
edited PV003 bidi $'s/Claim 1/Claim \xe2\x80\xae1/'
edited PV003 escape $'s/Claim 1/Claim \x1b[2J/'
edited PV003 line $'s/Claim 1/Claim \xe2\x80\xa8 status: ACTIVE_RUNTIME/'
edited PV003 nul 's/Claim 1/"Claim \\0"/'
printf '\xef\xbb\xbf' | cat - contracts/good.yaml >contracts/mark.yaml
iconv -t UTF-16 contracts/good.yaml >contracts/wide.yaml
iconv -t UTF-16LE contracts/good.yaml >contracts/le.yaml
iconv -t UTF-32 contracts/good.yaml >contracts/wider.yaml
head -c 5000 /dev/urandom >contracts/noise.yaml
for file in mark wide le wider noise; do refused PV002 "contracts/$file.yaml"; done

# depth and size; what would cost time quadratic in it
python3 - <<'PY'
def put(name, text):
    open(f"contracts/{name}.yaml", "w").write(text)
put("deep", "a: " + "[" * 100000)
put("maps", "a: " + "{b: " * 100000)
put("big", "a: " + "x" * (1 << 20))
put("keys", "".join(f"k{i}: v\n" for i in range(5000)))
put("nodes", "[" + "1," * 100000 + "1]")
put("blanks", "a: 1\n" + " " * 500000 + "b: 1\n")
PY
for file in deep maps; do refused PV004 contracts/$file.yaml; done
for file in keys nodes blanks; do refused PV001 contracts/$file.yaml; done
validate contracts/big.yaml
exits 2
warns 'is larger than the limit'

# what is no file
mkfifo contracts/fifo.yaml
ln -s nowhere contracts/dangling.yaml
ln -s loop.yaml contracts/loop.yaml
for file in contracts/fifo.yaml contracts/dangling.yaml contracts/loop.yaml contracts/a /dev/zero ''; do
  validate "$file"
  exits 2
  clean
done

# texts that are allowed, in quotes: they are shown, but not as they are
contract shown $rung "F_PASS_1 router.topk_rule $rung"
sed -i 's/property: Claim 1/property: "Claim \\e[2J \\u202e x \\u0085"/' contracts/shown.yaml
same "$(find . -path '*reports*' | wc -l)" 0 'reports of what was refused'
if [ ! -e "$PV_FAKE_LOG" ]; then ok; else bad 'a probe was started for what was refused'; fi
for how in '' --json; do
  # shellcheck disable=SC2086
  validate contracts/shown.yaml $how
  exits 0
  clean
done
same "$(LC_ALL=C grep -lrP '\x1b|\xe2\x80\xae|\xc2\x85' reports | wc -l)" 0 'report files with such characters'
# lint: all that is found is listed, also where a message was cut within a character, or a name is none
printf 'metadata: {}\nfalsification_tests:\n- test: %0119d\xc3\xa4 \xe2\x82\xac\n' 0 >$'contracts/cut\xff.yaml'
printf 'metadata: {}\nfalsification_tests:\n- test: "a \\u202e b"\n' >contracts/bidi.yaml
for file in $'contracts/cut\xff.yaml' contracts/bidi.yaml; do
  run "$pv" lint "$file" --json
  exits 2
  clean
  field '[f["rule"] for f in d["findings"]]' "['PV057', 'PV052']"
done
finish
