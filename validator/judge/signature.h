/* Whose a model is: the model.sig beside it, read by a child, for it is a stranger's file. */
#ifndef PV_JUDGE_SIGNATURE_H
#define PV_JUDGE_SIGNATURE_H

#include "validator/judge/ground.h"

typedef struct pv_signature {
  const char *told;   /* one line for readers: verified and by whom, not verified and why, or none;
                         NULL: there is no model */
  const char *sha256; /* of the model that was verified, as of pv_parts_digest; else NULL */
  const char *root;   /* the same in the form of OpenSSF Model Signing */
} pv_signature;

/* Before the run. With a key that the call names anything but a signature that holds is
 * PV_ERR_INPUT: who names one wants no other model. Without, what lies there is only told. */
pv_code pv_signature_ask(pv_arena *arena, const pv_request *request, const pv_ground *ground,
                         pv_signature *out, pv_error *err);

/* After the run: PV_ERR_CONFLICT when what was run is not what was verified. */
pv_code pv_signature_same(const pv_signature *signature, const pv_fact *model, size_t count,
                          pv_error *err);

/* Adds what is told, and the model's digest in the form of OpenSSF Model Signing, to its facts. */
pv_code pv_signature_tell(pv_arena *arena, const pv_signature *signature, pv_result *result,
                          pv_error *err);

#endif
