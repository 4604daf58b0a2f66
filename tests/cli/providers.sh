#!/usr/bin/env bash
# Checks of a stranger's: each way to misbehave has one clear verdict, the run goes on unharmed, and
# nothing is left behind; a receipt goes STALE with the program and its files.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
mkdir tmp providers
export TMPDIR=$work/tmp PV_LEAK=1
cp "$here/abuse.py" providers/abuse

# clean WHAT: no folder and no process of a provider is left.
clean() {
  same "$(ls -A tmp)" '' "$1: folders of providers"
  if pgrep -f '^sleep 61[.]25$' >/dev/null; then bad "$1: a process is left"; else ok; fi
}

# foreign NAME PROGRAM "FALSIFIER CHECK MODE [FAULTS]"...: a contract of that provider, named abuse.
foreign() {
  local name=$1 program=$2 line list=()
  shift 2
  for line in "$@"; do
    # shellcheck disable=SC2086
    set -- $line
    list+=("$1 $2 ACTIVE_ALGORITHM_LEVEL")
  done
  contract "$name" DRAFT "${list[@]}"
  python3 - "contracts/$name.yaml" "$program" "${lines[@]}" <<'PY'
import sys
path, program, lines = sys.argv[1], sys.argv[2], [l.split() for l in sys.argv[3:]]
text = open(path).read()
entry = f'providers:\n  - name: abuse\n    program: {program}\n    files: [../providers/data]\n'
if program != '-': text = text.replace('acceptance_criteria:', entry + '\nacceptance_criteria:', 1)
for name, check, mode, *faults in lines:
    at = text.index(f'id: {name}\n')
    more = f'    with: {{mode: {mode}}}\n' if mode != '-' else ''
    if faults: more += f'    faults: [{faults[0]}]\n'
    end = text.index('    timeout_s:', at)
    text = text[:end] + more + text[end:]
    text = text[:end] + text[end:].replace('timeout_s: 100', 'timeout_s: 1', 1) \
        if mode in ('silent', 'progress', 'endless') else text
open(path, 'w').write(text)
PY
}

# verdicts: "ID VERDICT reason" of the JSON on standard output.
verdicts() {
  python3 -c "import json,sys
for f in json.load(sys.stdin)['falsifiers']: print(f['id'], f['verdict'], f['reason'])" <<<"$out"
}
# gives ID VERDICT REASON-PART
gives() {
  local line
  line=$(verdicts | grep "^$1 ")
  if [[ $line == "$1 $2 "*"$3"* ]]; then ok; else bad "$1: want $2 '$3', got: $line"; fi
}

printf 'one' >providers/data
mkdir outside
printf 'kept' >outside/file
lines=('F_PASS abuse/do pass' 'F_FAIL abuse/do fail' 'F_ZERO abuse/do zero' 'F_NAN abuse/do nan'
  'F_NUMBER abuse/do number' 'F_KEY abuse/do key' 'F_VERDICT abuse/do verdict' 'F_ID abuse/do id'
  'F_NONCE abuse/do nonce' 'F_GARBAGE abuse/do garbage' 'F_BYTES abuse/do bytes' 'F_LIST abuse/do list'
  'F_DEEP abuse/do deep' 'F_LONG abuse/do long' 'F_ENDLESS abuse/do endless' 'F_PROGRESS abuse/do progress'
  'F_TOLD abuse/do told' 'F_NOISE abuse/do noise' 'F_SILENT abuse/do silent' 'F_EXIT0 abuse/do exit0'
  'F_EXIT3 abuse/do exit3' 'F_SEGV abuse/do segv' 'F_FORK abuse/do fork' 'F_FORKEXIT abuse/do forkexit'
  'F_PLACE abuse/do place' 'F_UNENDED abuse/do unended' 'F_TWICE abuse/do twice' 'F_AFTER abuse/do after'
  'F_STAYS abuse/do stays' 'F_LATE abuse/do late' 'F_MODEL abuse/model pass' 'F_AGAIN abuse/do again' 'F_WORDY abuse/do wordy'
  'F_TEXT abuse/do text' 'F_UNTOLD abuse/do untold' 'F_LITTER abuse/do litter' 'F_SWAP abuse/do swap'
  'F_LAST abuse/do pass')
foreign abuses ../providers/abuse "${lines[@]}"
validate contracts/abuses.yaml --json
exits 1
gives F_PASS PASS ''
gives F_FAIL FAIL '3 of 10 differ'
gives F_ZERO VACUOUS 'nothing was compared'
gives F_NAN ERROR "it passed with a number that is none: the metric 'worst'"
gives F_NUMBER ERROR 'the provider broke the protocol: a line holds no JSON object'
gives F_KEY ERROR "the message has a key 'needed_tolerence'"
gives F_VERDICT ERROR "the message has no usable 'verdict'"
gives F_ID ERROR 'it answered a falsifier that nobody asked for'
gives F_NONCE ERROR 'its message has another nonce'
gives F_GARBAGE ERROR 'a line holds no JSON object'
gives F_BYTES ERROR 'a line holds no JSON object'
gives F_LIST ERROR 'a line holds no JSON object'
gives F_DEEP ERROR 'a line holds no JSON object'
gives F_LONG ERROR 'a line is longer than 4 MiB'
gives F_ENDLESS ERROR 'a line is longer than 4 MiB'
gives F_PROGRESS TIMEOUT 'no answer within 1 s'
gives F_TOLD PASS ''
gives F_NOISE ERROR 'noisy'
gives F_SILENT TIMEOUT 'no answer within 1 s'
gives F_EXIT0 CRASH 'the provider left with exit code 0 and without an answer'
gives F_EXIT3 CRASH 'exit code 1 and without an answer'
gives F_SEGV CRASH 'the provider was ended by signal 11 (SEGV)'
gives F_FORK PASS '' # what it left is killed; its answer was whole
gives F_FORKEXIT CRASH 'exit code 0 and without an answer'
gives F_PLACE PASS ''
gives F_UNENDED ERROR 'it ended in the middle of a line'
gives F_TWICE ERROR 'it answered F_TWICE twice'
gives F_AFTER ERROR 'it told of progress in something that it had not begun'
gives F_STAYS ERROR 'it answered and did not end'
gives F_LATE CRASH 'the provider left with exit code 5 after its answer'
gives F_MODEL PASS ''
gives F_AGAIN ERROR 'a line holds no JSON object: duplicate object key'
gives F_WORDY FAIL 'rrr [cut]'
gives F_TEXT ERROR "the message has no usable 'worst'"
gives F_UNTOLD ERROR 'its progress has another shape'
gives F_LITTER PASS ''
gives F_SWAP PASS ''
same "$(stat -c %a outside outside/file | paste -sd ' ') $(cat outside/file)" '755 644 kept' 'what links led to'
gives F_LAST PASS ''
field "[f['never_seen_to_fail'] for f in d['falsifiers'] if f['id'] == 'F_PASS']" '[True]'
clean 'every abuse'
evidence=reports/runs/abuses/latest
same "$(grep -c 'the end of the noise' "$evidence/evidence.json")" 1 'the end of what it wrote'
same "$(grep -c 'something went wrong' "$evidence/evidence.json")" 1 'the end of what a crash wrote'
if grep -q 'never seen to fail' "$evidence/report.md" && grep -q 'never seen to fail' "$evidence/report.html"; then ok; else
  bad 'the reports do not say that nothing was planted'
fi

# What it says of itself: the falsifiers have a verdict for it, the others are judged.
says_of_itself() {
  cp providers/abuse "providers/$1"
  lines=('F_OTHER abuse/do pass')
  foreign described "../providers/$1" "${lines[@]}"
  sed -i 's|^    files:.*|    timeout_s: 2|' contracts/described.yaml
  validate contracts/described.yaml --json
  exits 3
  gives F_OTHER "$2" "$3"
}
says_of_itself lies ERROR "it is named 'somebody', not 'abuse'"
says_of_itself doubles ERROR 'check do: it is there twice'
says_of_itself future ERROR "its protocol is 'pv/provider/v2'"
says_of_itself nothing ERROR 'it says nothing'
says_of_itself sleeps TIMEOUT 'it did not end in time'
says_of_itself floods ERROR 'it says more than 1 MiB'
says_of_itself falls CRASH 'it was ended by signal 11'
says_of_itself leaves ERROR 'it left with exit code 3'
same "$(grep -c 'at the exit' reports/runs/described/latest/evidence.json)" 1 'what it wrote'
says_of_itself garbles ERROR 'the provider does not say what it can check'
cp providers/abuse providers/early
lines=('F_BEFORE abuse/do pass')
foreign before ../providers/early "${lines[@]}"
validate contracts/before.yaml --json
gives F_BEFORE ERROR 'its message has another nonce'
clean 'what it says of itself'

# A program that is not there, that can not be started, or that anybody could have written.
lines=('F_GONE abuse/do pass')
foreign gone ../providers/gone "${lines[@]}"
validate contracts/gone.yaml --json
exits 3
gives F_GONE ERROR 'was not started: No such file'
run "$pv" lint contracts/gone.yaml
exits 0
says "the provider's file '../providers/gone' is not there [PV045]"
cp providers/abuse providers/gone
chmod -x providers/gone
validate contracts/gone.yaml --json
gives F_GONE ERROR 'it is not executable'
run "$pv" lint contracts/gone.yaml
says 'is no program that can be started [PV045]'
chmod 777 providers/gone
validate contracts/gone.yaml --json
gives F_GONE ERROR 'it may be written by anybody'
chmod 755 providers/gone
chmod 777 providers
validate contracts/gone.yaml --json
gives F_GONE ERROR 'its folder may be written by anybody'
chmod 755 providers
printf '\x7fELF' >providers/gone
validate contracts/gone.yaml --json
gives F_GONE ERROR 'it can not be started: Exec format error'
printf '#!/no/such/interpreter\n' >providers/gone
validate contracts/gone.yaml --json
gives F_GONE ERROR 'it can not be started: the interpreter that it names is not there'
mkdir -p providers/folder
foreign gone ../providers/folder "${lines[@]}"
validate contracts/gone.yaml --json
gives F_GONE ERROR 'it is no file'

# Of which bytes a report would speak is not known when they change in the meantime.
cp providers/abuse providers/selfish
lines=('F_SELF abuse/do self')
foreign selfish ../providers/selfish "${lines[@]}"
validate contracts/selfish.yaml
exits 2
warns "'../providers/selfish' changed while it was judged"
mkdir tmp/$'\xff'
TMPDIR=$TMPDIR/$'\xff' validate contracts/abuses.yaml --only F_PASS
exits 2
warns "a provider's folder has to be UTF-8"
rmdir tmp/$'\xff'
clean 'a folder of another name'

# What lint says without starting anything: a program that would leave a mark leaves none.
# shellcheck disable=SC2016
printf '#!/bin/sh\ntouch "%s/started"\n' "$work" >providers/marks
chmod +x providers/marks
lines=('F_MARK abuse/do pass')
foreign marks ../providers/marks "${lines[@]}"
run "$pv" lint contracts/marks.yaml
exits 0
run "$pv" status contracts/marks.yaml --probe "$fake"
if [ -e started ]; then bad 'lint or status started a provider'; else ok; fi
sed 's/check: abuse/check: other/' contracts/marks.yaml >contracts/unknown.yaml
sed -i 's/name: marks/name: unknown/' contracts/unknown.yaml
run "$pv" lint contracts/unknown.yaml
exits 2
says "the contract has no provider 'other' [PV043]"
for name in router 'a b' abuse; do
  sed "s/name: marks/name: named/; s/^acceptance/  - name: $name\n    program: ..\/providers\/abuse\nacceptance/" \
    contracts/marks.yaml >contracts/named.yaml
  run "$pv" lint contracts/named.yaml
  exits 2
  says '[PV044]'
done
outside=$(mktemp -d "$work/../pv-outside-XXXXXX")
cp providers/abuse "$outside/abuse"
lines=('F_OUT abuse/do pass')
foreign outside "$outside/abuse" "${lines[@]}"
run "$pv" lint contracts/outside.yaml
exits 0
says "lies outside the contract's repository"
validate contracts/outside.yaml
exits 0
rm -rf "$outside"

# What was asked is checked as for pv's own checks, by what the provider says of itself.
lines=('F_ONE abuse/undo pass')
foreign wrong ../providers/abuse "${lines[@]}"
validate contracts/wrong.yaml
exits 2
warns "there is no check 'abuse/undo'"
warns 'did you mean abuse/do?'
lines=('F_ONE abuse/do a/b')
foreign wrong ../providers/abuse "${lines[@]}"
validate contracts/wrong.yaml
exits 2
warns "parameter mode is 'a/b'"
lines=('F_ONE abuse/sound pass nowhere')
foreign wrong ../providers/abuse "${lines[@]}"
validate contracts/wrong.yaml
exits 2
warns 'the check abuse/sound can not plant the fault'

# Its faults are planted through the same protocol.
lines=('F_SEEN abuse/sound pass seen' 'F_UNSEEN abuse/sound pass unseen' 'F_LATER abuse/sound pass late')
foreign faulty ../providers/abuse "${lines[@]}"
validate contracts/faulty.yaml --faults
exits 1
says 'planted faults: 1 of 3 pairs of falsifier and fault were caught, 1 not tried'
says 'F_UNSEEN: it passes over the planted fault unseen'
warns 'F_LATER: the fault late was not tried: the provider left with exit code 1 and without an answer'
silent 'never seen to fail'

# Programs that the call names: in the place of the contract's, or of one that names none.
lines=('F_GIVEN abuse/do pass')
foreign given - "${lines[@]}"
validate contracts/given.yaml
exits 2
warns "the contract has no provider 'abuse'"
validate contracts/given.yaml --provider providers/abuse
exits 0
says 'never seen to fail, for a provider plants nothing in it: F_GIVEN'
says '(--provider)'
says 'The one criterion holds, and is not falsified.'
same "$(grep -l 'The one criterion holds, and is not falsified' reports/runs/given/latest/report.* | wc -l)" 2 \
  'the reports about one criterion'
foreign given ../providers/gone "${lines[@]}"
validate contracts/given.yaml --provider providers/abuse
exits 0
sed -i '/^    program:/d' contracts/given.yaml
run "$pv" lint contracts/given.yaml
exits 0
validate contracts/given.yaml --json
gives F_GIVEN NOT_RUN 'the call has to name'
validate contracts/given.yaml --provider providers/abuse
exits 0
validate contracts/given.yaml --provider providers/abuse --publish
exits 2
warns 'is not published'
validate contracts/given.yaml --provider providers/lies,providers/garbles
exits 2
warns 'does not say what it can check'
validate contracts/given.yaml --provider providers/leaves
exits 2
warns 'it wrote: at the exit'
validate contracts/given.yaml --provider ,
exits 2
run "$pv" explain --provider providers/abuse
exits 0
says 'abuse 1.0, a provider of checks: abuse/do It does as it is told.'
run "$pv" explain --provider providers/abuse abuse/sound
says 'Faults: seen, unseen, late'
run "$pv" explain --provider providers/abuse abuse/do
says 'Faults: none'
clean 'programs that the call names'

lines=('F_ONE abuse/do pass')
foreign single ../providers/abuse "${lines[@]}"
validate contracts/single.yaml --publish
exits 0
same "$(grep -c 'ACTIVE_ALGORITHM_LEVEL: 1 criterion holds, 0 falsified' contracts/single.yaml)" 1 \
  'the amendment of one criterion'

# A receipt rests on the program and on its files, and nothing is started to tell.
lines=('F_HELD abuse/do pass' 'F_NEEDS abuse/model pass')
foreign held ../providers/abuse "${lines[@]}"
validate contracts/held.yaml --publish
exits 0
run "$pv" status contracts/held.yaml --probe "$fake"
exits 0
says 'PASS AC_1 receipt'
says 'PASS AC_2 receipt'
printf 'two' >providers/data
run "$pv" status contracts/held.yaml --probe "$fake"
exits 3
says 'STALE AC_1'
says 'another state of the file ../providers/data'
printf 'one' >providers/data
printf '\n' >>providers/abuse
run "$pv" status contracts/held.yaml --probe "$fake"
exits 3
says 'another state of the file ../providers/abuse'
run "$pv" evidence verify reports/published/held/* --probe "$fake"
exits 3
says 'another state of the file ../providers/abuse'
validate contracts/held.yaml --only F_NEEDS
says 'another state of the file ../providers/abuse'
cp "$here/abuse.py" providers/abuse
printf 'another model' >models/tiny-coder-moe-Q4_K_M.gguf
run "$pv" status contracts/held.yaml --probe "$fake"
says 'PASS AC_1 receipt'
says 'no receipt is about this model'
printf 'a model' >models/tiny-coder-moe-Q4_K_M.gguf
rm providers/data
run "$pv" status contracts/held.yaml --probe "$fake"
exits 3
says 'another state of the file ../providers/data'

# Another program of the same name demands nothing less only if somebody says so.
foreign held ../providers/abuse "${lines[@]}"
sed 's|program: .*|program: ../providers/other|; s/mode: pass/mode: fail/' contracts/held.yaml >new.yaml
run "$pv" diff contracts/held.yaml new.yaml
exits 1
says 'BREAKING: the provider abuse is another program'
says 'BREAKING: F_HELD: mode is fail, was pass'

# The examples, as they are.
unset TMPDIR
if command -v cc >/dev/null; then
  cd "$root" || exit 1
  run "$pv" validate contracts/examples/provider-example-v1.yaml --faults --out "$work/reports"
  exits 0
  says 'planted faults: 6 of 6 pairs of falsifier and fault were caught'
  cd "$work" || exit 1
fi
finish
