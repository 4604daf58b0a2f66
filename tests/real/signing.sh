#!/usr/bin/env bash
# Signatures and statements between pv and other people's programs: what model-signing signs pv verifies, what pv
# states in-toto-attestation reads, and what securesystemslib signs of it pv holds against the evidence. $1 is pv.
#
# $PV_SIGNING: a Python that has them; else they are installed into build-real/signing, pinned by digest.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
root=$PWD
python=${PV_SIGNING:-$root/build-real/signing/bin/python}
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
end() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}
# holds CODE COMMAND...: its exit code.
holds() {
  local want=$1 got
  shift
  "$@" >"$work/said" 2>&1
  got=$?
  if [ "$got" -eq "$want" ]; then ok; else bad "$*: exit $got, want $want: $(tail -n 5 "$work/said")"; fi
}

if [ ! -x "$python" ]; then
  mkdir -p build-real && python3 -m venv build-real/signing &&
    "$python" -m pip install -q --no-deps --require-hashes -r tests/real/signing.txt || {
    bad 'the packages of tests/real/signing.txt can not be installed: PV_SIGNING names a Python that has them'
    end
  }
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/models"
cp models/tiny-coder-moe-Q4_K_M.gguf "$work/models/m.gguf"
cd "$work" || exit 1
for name in own other root; do
  openssl ecparam -name prime256v1 -genkey -noout -out "$name.pem"
  openssl ec -in "$name.pem" -pubout -out "$name.pub" 2>/dev/null
done
openssl req -x509 -new -key root.pem -days 2 -subj /CN=root -out root.crt
openssl req -new -key own.pem -subj /CN=signer -out own.csr
echo keyUsage=digitalSignature >use
openssl x509 -req -in own.csr -CA root.crt -CAkey root.pem -set_serial 2 -days 2 -extfile use -out own.crt 2>/dev/null
signing() { "$python" -m model_signing "$@"; }

# A folder and a file, by a key and by a certificate: pv and model_signing agree, also over another model.
for model in models models/m.gguf; do
  for way in key certificate; do
    rm -f models/model.sig
    if [ $way = key ]; then
      holds 0 signing sign key "$model" --private_key own.pem --signature models/model.sig
      trusted=own.pub stranger=other.pub
    else
      holds 0 signing sign certificate "$model" --private_key own.pem --signing_certificate own.crt \
        --certificate_chain root.crt --signature models/model.sig
      trusted=root.crt stranger=other.pub
    fi
    holds 0 "$pv" signature models/m.gguf --key $trusted
    holds 2 "$pv" signature models/m.gguf --key $stranger
    cp models/m.gguf kept && printf x >>models/m.gguf
    holds 2 "$pv" signature models/m.gguf --key $trusted
    mv kept models/m.gguf
  done
done
signing sign key models/m.gguf --private_key own.pem --signature models/model.sig >/dev/null

# What a run states of it.
holds 0 "$pv" validate "$root/contracts/tensor-names-v1.yaml" --only F_NAMES_RESOLVE --model models/m.gguf --model-key own.pub --out reports
folder=$(echo "$work"/reports/*/2*)
cat >look.py <<'PY'
import base64, json, sys
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
folder = sys.argv[1]
for file, kind in ('vsa.json', vsa_pb2.VerificationSummary), ('statement.json', test_result_pb2.TestResult):
    text = json.load(open(f'{folder}/{file}'))
    statement = json_format.ParseDict(text, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    predicate = dict(text['predicate'])
    if file == 'vsa.json':
        # in-toto-attestation 0.9.3 has neither verifier.version, which SLSA 1.0 added, nor verifiedLevels as the
        # list that it is there; all else is read by it.
        predicate['verifier'] = {'id': predicate['verifier']['id']}
        assert predicate.pop('verifiedLevels')[0].startswith('SLSA_BUILD_LEVEL_')
    read = json_format.MessageToDict(json_format.ParseDict(predicate, kind()))
    assert all(name in read or not value for name, value in predicate.items()), read
signed = json.loads(base64.b64decode(json.load(open('models/model.sig'))['dsseEnvelope']['payload']))
subjects = {s['name']: s['digest']['sha256'] for s in json.load(open(f'{folder}/vsa.json'))['subject']}
assert subjects['model_signing'] == signed['subject'][0]['digest']['sha256'], subjects
assert subjects['m.gguf'] == signed['predicate']['resources'][0]['digest'], subjects
PY
holds 0 "$python" look.py "$folder"
cat >sign.py <<'PY'
import json, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner
signer = CryptoSigner.generate_ed25519()
envelope = Envelope(open(sys.argv[1], 'rb').read(), 'application/vnd.in-toto+json', {})
envelope.sign(signer)
envelope.verify([signer.public_key], 1)
json.dump(envelope.to_dict(), open('vsa.dsse.json', 'w'))
key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer.public_key.keyval['public']))
open('release.pub', 'wb').write(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
PY
holds 0 "$python" sign.py "$folder/vsa.json"
holds 0 "$pv" evidence verify "$folder" --against vsa.dsse.json --key release.pub
holds 2 "$pv" evidence verify "$folder" --against vsa.dsse.json --key other.pub
sed 's/PASSED/FAILED/; t; s/"FAILED"/"PASSED"/' "$folder/vsa.json" >false.json
holds 0 "$python" sign.py "$PWD/false.json"
holds 1 "$pv" evidence verify "$folder" --against vsa.dsse.json --key release.pub
# The fixtures of tests/unit/signed can be made anew.
holds 0 "$python" "$root/tests/unit/signed/make.py" "$work/fixtures"
end
