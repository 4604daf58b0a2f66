#!/usr/bin/env bash
# Whose a model is, what a statement says, and since when a contract has its thresholds. The signatures
# are made here with openssl alone; those of model_signing itself are tests/unit/signed and tests/real.
# shellcheck source=tests/cli/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# sign KEY PAYLOAD OUT [BUNDLE]: a DSSE envelope of a statement or, with a fourth word, model.sig.
sign() {
  python3 - "$@" <<'PY'
import base64, hashlib, json, subprocess, sys
key, payload, out = sys.argv[1:4]
body = open(payload, 'rb').read()
kind = b'application/vnd.in-toto+json'
pae = b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(body), body)
sig = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', key], input=pae, capture_output=True, check=True).stdout
d = {'payload': base64.b64encode(body).decode(), 'payloadType': kind.decode(),
     'signatures': [{'sig': base64.b64encode(sig).decode(), 'keyid': ''}]}
if sys.argv[4:]:
    pub = subprocess.run(['openssl', 'ec', '-in', key, '-pubout'], capture_output=True, check=True).stdout
    d = {'mediaType': 'application/vnd.dev.sigstore.bundle.v0.3+json', 'dsseEnvelope': d,
         'verificationMaterial': {'publicKey': {'hint': hashlib.sha256(pub).hexdigest()}, 'tlogEntries': []}}
json.dump(d, open(out, 'w'))
PY
}
# manifest FILE OUT: what model_signing says of one file.
manifest() {
  python3 - "$@" <<'PY'
import hashlib, json, os, sys
digest = hashlib.sha256(open(sys.argv[1], 'rb').read())
json.dump({'_type': 'https://in-toto.io/Statement/v1',
           'subject': [{'name': 'm', 'digest': {'sha256': hashlib.sha256(digest.digest()).hexdigest()}}],
           'predicateType': 'https://model_signing/signature/v1.0',
           'predicate': {'serialization': {'method': 'files', 'hash_type': 'sha256', 'allow_symlinks': False},
                         'resources': [{'name': os.path.basename(sys.argv[1]), 'algorithm': 'sha256',
                                        'digest': digest.hexdigest()}]}}, open(sys.argv[2], 'w'))
PY
}
for name in own other; do
  openssl ecparam -name prime256v1 -genkey -noout -out "$name.pem"
  openssl ec -in "$name.pem" -pubout -out "$name.pub" 2>/dev/null
done
readonly model=models/tiny-coder-moe-Q4_K_M.gguf

# --- pv signature

run "$pv" signature $model
exits 3
says 'not signed there is no model.sig beside the model'
run "$pv" signature $model --key own.pub
exits 3
manifest $model m.json
sign own.pem m.json models/model.sig bundle
run "$pv" signature $model
exits 3
says 'not verified no key was named'
run "$pv" signature $model --key own.pub
exits 0
says 'verified signed with the key '
run "$pv" signature $model --key own.pub --json
exits 0
field "d['state'], d['why'], d['sha256'] == '$(sha256sum <$model | cut -c1-64)'" 'verified None True'
run "$pv" signature $model --key other.pub
exits 2
warns 'models/model.sig: error: it was signed with another key: '
run "$pv" signature $model --key own.pem
exits 2
warns 'it is a private key'
run "$pv" signature none.gguf
exits 2
warns "there is no model 'none.gguf'"
run "$pv" signature models --key own.pub
exits 2
warns "there is no model 'models'"
run "$pv" signature
exits 2
warns 'name one model'
run "$pv" signature $model --kye own.pub
exits 2
warns 'did you mean --key?'
# From the model's own folder, by a name that could be an option.
cp $model models/--x.gguf
manifest models/--x.gguf x.json
sign own.pem x.json models/model.sig bundle
run env -C models "$pv" signature ./--x.gguf --key ../own.pub
exits 0
run env -C models "$pv" signature --key=../own.pub -- ./tiny-coder-moe-Q4_K_M.gguf
exits 2
manifest $model m.json
rm models/--x.gguf

# --- pv validate

# told FACT WANT: what the newest run says of the model.
told() {
  local folder
  folder=$(find reports/runs -mindepth 2 -maxdepth 2 -printf '%T@ %p\n' | sort -n | tail -1 | cut -d ' ' -f 2)
  same "$(python3 -c "import json,sys; print(json.load(open('$folder/evidence.json'))['model'].get('$1'))")" "$2" "$1"
}
contract c ACTIVE_ALGORITHM_LEVEL 'F_PASS names.resolve ACTIVE_ALGORITHM_LEVEL'
sha=$(sha256sum <$model | cut -c 1-64)
root=$(python3 -c "import hashlib; print(hashlib.sha256(bytes.fromhex('$sha')).hexdigest())")
hint=$(sha256sum <own.pub | cut -c 1-64)
rm models/model.sig
validate contracts/c.yaml
exits 0
told signature 'not signed: there is no model.sig beside the model'
told model_signing_sha256 "$root"
validate contracts/c.yaml --model-key own.pub
exits 2
warns 'there is no model.sig beside the model'
sign own.pem m.json models/model.sig bundle
validate contracts/c.yaml
exits 0
told signature 'not verified: no key was named'
validate contracts/c.yaml --model $model --model-key own.pub
exits 0
told signature "verified: model.sig, signed with the key $hint"
told model_signing_sha256 "$root"
validate contracts/c.yaml --model-key other.pub
exits 2
warns 'it was signed with another key'
echo '{' >models/model.sig
validate contracts/c.yaml
exits 0
told signature 'not verified: it is no JSON object: string or '"'}' expected near end of file"
validate contracts/c.yaml --model-key own.pub
exits 2
warns 'models/model.sig:2: error: it is no JSON object'
sign own.pem m.json models/model.sig bundle
cp $model kept
echo more >>$model
validate contracts/c.yaml --model-key own.pub
exits 2
warns "the SHA-256 of 'tiny-coder-moe-Q4_K_M.gguf' is "
silent 'Verified'
mv kept $model

# --- vsa.json, and pv evidence verify --against

rm -r reports/runs
validate contracts/c.yaml
folder=$(echo reports/runs/c/2*)
out=$(cat "$folder/vsa.json")
field "d['predicateType'], d['predicate']['verificationResult'], d['predicate']['verifiedLevels'][1]" \
  'https://slsa.dev/verification_summary/v1 PASSED PV_ACTIVE_ALGORITHM_LEVEL'
field "d['predicate']['policy']['digest']['sha256']" "$(sha256sum <contracts/c.yaml | cut -c 1-64)"
field "d['predicate']['verifier']['version']['pv_sha256']" "$(sha256sum <"$pv" | cut -c 1-64)"
field "{s['name']: s['digest']['sha256'] for s in d['subject']}['$model']" "$sha"
field "{s['name']: s['digest']['sha256'] for s in d['subject']}['model_signing']" "$root"
field "d['predicate']['inputAttestations'][0]['digest']['sha256']" "$(sha256sum <"$folder/statement.json" | cut -c 1-64)"
against() { run "$pv" evidence verify --probe "$fake" "$folder" --against "$@"; }
for statement in vsa statement; do
  against "$folder/$statement.json"
  exits 0
  says 'the evidence says all that it says; signed by: nobody'
done
sign own.pem "$folder/vsa.json" signed.json
against signed.json
exits 3
says 'signed by: nobody looked: --key FILE'
against signed.json --key own.pub
exits 0
says "the evidence says all that it says; signed by: the key $hint"
against signed.json --key own.pub --json
field "d['folders'][0]['statement']['differences'], d['folders'][0]['statement']['verified']" "[] the key $hint"
against signed.json --key other.pub
exits 2
warns "signed.json: error: the signature is not the key's"
against "$folder/vsa.json" --key own.pub
exits 2
warns 'it is a bare statement that nobody signed'
# edit EXPRESSION: a copy of the summary in which one thing is another.
edit() { python3 -c "import json; d=json.load(open('$folder/vsa.json')); $1; json.dump(d, open('edited.json', 'w'))"; }
edit "d['predicate']['verificationResult']='FAILED'"
against edited.json
exits 1
says 'differs: predicate.verificationResult: the statement says FAILED, the evidence PASSED'
edit "d['subject'][0]['digest']['sha256']='0'*64"
against edited.json
exits 1
says "differs: subject $model.sha256: the statement says 0000"
edit "d['predicate']['verifiedLevels'].append('SLSA_BUILD_LEVEL_3')"
against edited.json
exits 1
says 'predicate.verifiedLevels: the statement names SLSA_BUILD_LEVEL_3, the evidence does not'
edit "d['predicate']['policy']['digest']['sha256']='1'*64; d['predicate']['reviewed']=True"
against edited.json
says 'predicate.policy.digest.sha256: the statement says 1111'
says 'predicate.reviewed: the statement says true, the evidence nothing'
edit "del d['predicate']['verifier'], d['subject'][1:]"
against edited.json
exits 0
against m.json
exits 2
warns 'the statement is of another type, https://model_signing/signature/v1.0'
against contracts/c.yaml
exits 2
warns 'it is no JSON object'
run "$pv" evidence show "$folder" --against m.json
exits 2
warns '--against and --key are of pv evidence verify'
run "$pv" evidence verify "$folder" --key own.pub
exits 2
warns 'add --against STATEMENT'
# What is not verified is not PASSED.
contract d ACTIVE_ALGORITHM_LEVEL 'F_PASS names.resolve PROPOSED' 'F_NOTRUN names.resolve ACTIVE_ALGORITHM_LEVEL'
validate contracts/d.yaml
out=$(cat reports/runs/d/2*/vsa.json)
field "d['predicate']['verificationResult'], d['predicate']['verifiedLevels']" "FAILED ['FAILED']"
contract n DRAFT 'F_PASS names.resolve ACTIVE_ALGORITHM_LEVEL'
validate contracts/n.yaml
exits 0
out=$(cat reports/runs/n/2*/vsa.json)
field "d['predicate']['verificationResult']" FAILED

# --- since when a threshold stands in the contract

# commit DATE: everything in contracts, at that moment.
commit() {
  git add contracts
  GIT_COMMITTER_DATE=$1 git -c user.name=t -c user.email=t@example.org commit -q --date "$1" -m c
}
# gate EXPRESSION WANT: of the first falsifier in the JSON of a run.
gate() {
  validate contracts/g.yaml --json
  field "(lambda g: $1)(d['falsifiers'][0]['gate'])" "$2"
}
contract g ACTIVE_ALGORITHM_LEVEL 'F_PASS swiglu.error ACTIVE_ALGORITHM_LEVEL'
gate "[g['commit'], g['before_run'], g['why']]" \
  "[None, False, \"the contract does not write it: it is the check's own\"]"
sed -i 's/^    check: swiglu.error/&\n    with: {max_ulp: 3}/' contracts/g.yaml
gate "[g['value'], g['commit'], g['why']]" "['3', None, 'git does not have the contract']"
commit 2026-01-01T00:00:00Z
sed -i 's/max_ulp: 3/max_ulp: 4/' contracts/g.yaml
gate "[g['value'], g['commit'], g['before_run'], g['why']]" "['4', None, False, 'this value is not committed']"
commit 2026-02-01T00:00:00Z
fixed=$(git rev-parse HEAD)
# Another spelling, a comment and another place in the file are the same value.
sed -i 's/with: {max_ulp: 4}/with: # so much\n      max_ulp: 4.0/; s/^# A comment/# Another comment/' contracts/g.yaml
gate "[g['commit'], g['date'], g['before_run']]" "['$fixed', '2026-02-01T00:00:00Z', True]"
commit 2026-03-01T00:00:00Z
gate "[g['commit'], g['why']]" "['$fixed', None]"
report=$(find reports/runs/g -name report.md -printf '%T@ %p\n' | sort -n | tail -1 | cut -d ' ' -f 2)
out=$(cat "$report")
says "| \`F_PASS\` | max_ulp 4.0 | 2026-02-01T00:00:00Z, ${fixed:0:12} | yes |"
run "$pv" evidence verify --probe "$fake" "${report%/*}"
exits 0
# There and back: the value came in again.
sed -i 's/4\.0/5/' contracts/g.yaml
commit 2026-04-01T00:00:00Z
sed -i 's/max_ulp: 5/max_ulp: 4/' contracts/g.yaml
commit 2026-05-01T00:00:00Z
gate "g['date']" 2026-05-01T00:00:00Z
# A run that was first: nothing is before it.
sed -i 's/max_ulp: 4/max_ulp: 6/' contracts/g.yaml
commit 2099-01-01T00:00:00Z
gate "[g['date'], g['before_run']]" "['2099-01-01T00:00:00Z', False]"
# A revision that can not be read ends the search; what is told is later than the truth.
printf 'a: &x\n' >contracts/g2.yaml && cp contracts/g.yaml g.yaml && mv contracts/g2.yaml contracts/g.yaml
commit 2099-02-01T00:00:00Z
cp g.yaml contracts/g.yaml
commit 2099-03-01T00:00:00Z
gate "g['date']" 2099-03-01T00:00:00Z
# Of a clone without its history that is said.
git clone -q --depth 1 "file://$work" shallow 2>/dev/null
mkdir -p shallow/models && cp models/* shallow/models
cd shallow || exit 1
gate "[g['date'], g['why']]" "['2099-03-01T00:00:00Z', 'older commits are not here: it may be older']"
cd "$work" || exit 1
mkdir -p elsewhere/contracts && cp contracts/g.yaml elsewhere/contracts && mv .git away
validate elsewhere/contracts/g.yaml --json
field "d['falsifiers'][0]['gate']['why']" 'the contract lies in no git repository that may be trusted'
mv away .git
finish
