/* Whom a reader trusts: a public key, or certificates that a signer's certificate must lead to. */
#ifndef PV_SIGNED_KEY_H
#define PV_SIGNED_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"

#define PV_KEY_LIMIT ((size_t)1 << 20)

typedef struct pv_key {
  EVP_PKEY *key;                 /* or NULL, and */
  STACK_OF(X509) * certificates; /* those that are trusted */
  char id[PV_SHA256_HEX];        /* of a key: SHA-256 of its PEM, the hint that model.sig has */
} pv_key;

/* A PEM file: "PUBLIC KEY" on P-256, P-384, P-521 or of Ed25519, else "CERTIFICATE", one or
 * several. Anything else is PV_ERR_INPUT, a private key too: none belongs here. */
pv_code pv_key_read(const char *path, pv_key *out, pv_error *err);
void pv_key_free(pv_key *key);

/* What DSSE signs: PV_OK, or PV_ERR_INPUT when the signature is none of `key` over these bytes.
 * ECDSA with SHA-256, -384 or -512 as the curve has it. */
pv_code pv_key_verify(EVP_PKEY *key, const char *type, const pv_bytes *payload,
                      const pv_bytes *signature, pv_error *err);

/* Whether the first certificate (DER) leads over the others to one that is trusted, and may sign.
 * Nothing dates a signature here, so it is asked for the moment at which that certificate began.
 * `*out` is its key, to be freed by EVP_PKEY_free; `name` its subject in one line, cut to the room.
 */
enum { PV_KEY_NAME = 200 };
pv_code pv_key_of_chain(const pv_key *trusted, const pv_bytes *chain, size_t count, EVP_PKEY **out,
                        char name[PV_KEY_NAME], pv_error *err);

#endif
