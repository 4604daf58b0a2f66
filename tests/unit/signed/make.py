#!/usr/bin/env python3
"""Makes the fixtures beside it anew, with programs of other people: model-signing and securesystemslib
from PyPI (tests/real/signing.txt) and openssl. The private keys are thrown away, so all files are new
then. usage: make.py [FOLDER]"""
import json
import pathlib
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "fixtures").resolve()
out.mkdir(exist_ok=True)
work = pathlib.Path(tempfile.mkdtemp())


def openssl(*words):
    subprocess.run(["openssl", *words], cwd=work, check=True, stderr=subprocess.DEVNULL)


def sign(how, what, *words):
    subprocess.run(
        [sys.executable, "-m", "model_signing", "sign", how, what, "--signature", str(out / words[0]), *words[1:]],
        cwd=work, check=True, stdout=subprocess.DEVNULL)


# A folder with a model, one with a model in two parts, and keys on each curve.
for name, files in {"whole": ["model.gguf", "README.md"], "parts": ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]}.items():
    (work / name).mkdir()
    for file in files:
        (work / name / file).write_text(f"the bytes of {file}\n")
for curve in "prime256v1", "secp384r1", "secp521r1":
    openssl("ecparam", "-name", curve, "-genkey", "-noout", "-out", f"{curve}.pem")
    openssl("ec", "-in", f"{curve}.pem", "-pubout", "-out", str(out / f"{curve}.pub"))
    sign("key", "whole", f"{curve}.sig", "--private_key", f"{curve}.pem")
sign("key", "whole/model.gguf", "file.sig", "--private_key", "prime256v1.pem")
sign("key", "parts", "parts.sig", "--private_key", "prime256v1.pem")

# A root, a signer that it vouches for, and one whose certificate is none for signing.
openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "root.pem")
openssl("req", "-x509", "-new", "-key", "root.pem", "-days", "36500", "-subj", "/CN=root", "-out", str(out / "root.crt"))
for who, use in {"signer": "keyUsage=digitalSignature", "server": "keyUsage=keyEncipherment"}.items():
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{who}.pem")
    openssl("req", "-new", "-key", f"{who}.pem", "-subj", f"/CN={who}", "-out", f"{who}.csr")
    (work / "use").write_text(use + "\n")
    openssl("x509", "-req", "-in", f"{who}.csr", "-CA", str(out / "root.crt"), "-CAkey", "root.pem",
            "-set_serial", "2", "-days", "36500", "-extfile", "use", "-out", f"{who}.crt")
    sign("certificate", "whole", f"{who}.sig", "--private_key", f"{who}.pem", "--signing_certificate",
         f"{who}.crt", "--certificate_chain", str(out / "root.crt"))

# A statement in a DSSE envelope, by a library that knows nothing of models.
signer = CryptoSigner.generate_ed25519()
key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer.public_key.keyval["public"]))
(out / "ed25519.pub").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "x", "digest": {"sha256": "00" * 32}}],
             "predicateType": "https://example.org/p", "predicate": {"a": 1}}
envelope = Envelope(json.dumps(statement).encode(), "application/vnd.in-toto+json", {})
envelope.sign(signer)
(out / "envelope.json").write_text(json.dumps(envelope.to_dict()))
