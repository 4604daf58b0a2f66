/* An in-toto statement as it comes: bare, in a DSSE envelope, or in a Sigstore bundle around one.
 * All of it is a stranger's: what is not as it should be is refused whole, with its place. */
#ifndef PV_SIGNED_ENVELOPE_H
#define PV_SIGNED_ENVELOPE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "validator/signed/key.h"

#define PV_SIGNED_LIMIT     ((size_t)16 << 20) /* bytes of a file */
#define PV_SIGNED_STATEMENT "https://in-toto.io/Statement/v1"
enum { PV_SIGNED_MANY = 16 }; /* signatures of an envelope, certificates of a bundle */

typedef struct pv_signed {
  const char *file;
  bool envelope; /* it has signatures, whoever made them */
  json_t
      *statement; /* owned: pv_signed_free. _type, predicateType, subject and predicate are there */
  const char *predicate; /* predicateType */
  /* of an envelope, in the arena */
  const char *type; /* of the payload */
  pv_bytes payload; /* the bytes that are signed; the statement is what they say */
  pv_bytes signatures[PV_SIGNED_MANY];
  size_t signature_count;
  /* of a bundle */
  const char *hint; /* SHA-256 of the PEM of the key, or NULL */
  pv_bytes chain[PV_SIGNED_MANY];
  size_t chain_count;  /* certificates, the signer's first */
  const char *keyless; /* why only Sigstore's services could say whose it is, or NULL */
} pv_signed;

/* Of a file's bytes; `file` names it in errors. PV_ERR_INPUT for what is none of the three, a key
 * twice, base64 that is none, more than the limits; PV_ERR_LIMIT for a larger file. */
pv_code pv_signed_parse(pv_arena *arena, const char *file, const pv_bytes *bytes, pv_signed *out,
                        pv_error *err);
pv_code pv_signed_read(pv_arena *arena, const char *path, pv_signed *out, pv_error *err);
void pv_signed_free(pv_signed *s);

/* PV_OK: one of its signatures is by whom `trusted` says; `by` is "the key 3f2a..." or "the
 * certificate /CN=...". PV_ERR_UNSUPPORTED: it is keyless, so a key says nothing about it.
 * PV_ERR_INPUT: it is somebody else's, was changed, or is not signed at all. */
enum { PV_SIGNED_BY = PV_KEY_NAME + 32 };
pv_code pv_signed_verify(const pv_signed *s, const pv_key *trusted, char by[PV_SIGNED_BY],
                         pv_error *err);

#endif
