/* model.sig, the signature of OpenSSF Model Signing beside a model: a Sigstore bundle around an
 * in-toto statement of type https://model_signing/signature/v1.0, which names each file of the
 * model with its digest. https://github.com/sigstore/model-transparency */
#ifndef PV_SIGNED_MANIFEST_H
#define PV_SIGNED_MANIFEST_H

#include "validator/signed/envelope.h"

#define PV_MANIFEST_FILE "model.sig"
#define PV_MANIFEST_TYPE "https://model_signing/signature/v1.0"

/* The digest of a model in that form, for one that is one file with this SHA-256. */
pv_code pv_manifest_root(const char sha256[PV_SHA256_HEX], char out[PV_SHA256_HEX], pv_error *err);

typedef struct pv_manifest {
  char root[PV_SHA256_HEX];   /* the statement's subject: SHA-256 over the digests of its files */
  char sha256[PV_SHA256_HEX]; /* of the model as everything else here names it: pv_parts_digest */
} pv_manifest;

/* Whether the file `model`, or each part of the set that it names a part of, has the digest that
 * the statement gives it by its name. Reads the model. PV_ERR_INPUT: it is another file, it is not
 * named, the statement is no such, or contradicts itself. PV_ERR_UNSUPPORTED: made by shards, or
 * with another hash than SHA-256. Whose statement it is, pv_signed_verify says. */
pv_code pv_manifest_check(const pv_signed *s, const char *model, pv_manifest *out, pv_error *err);

#endif
