/* What a verdict is about: the digests that must be unchanged for it to hold elsewhere, later. */
#ifndef PV_STORE_SUBJECT_H
#define PV_STORE_SUBJECT_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "validator/model/result.h"

/* Texts are digests in hex. NULL: the check does not depend on it. PV_SUBJECT_UNKNOWN: it does,
 * but nobody could say which it was; that equals nothing, not even itself. */
#define PV_SUBJECT_UNKNOWN "unknown"

typedef struct pv_subject {
  char falsifier[PV_SHA256_HEX]; /* check, bound parameters, the criteria's claims */
  const char *model, *reference; /* reference: or the built-in prompts that stand in for it */
  const char *code;              /* the sources of its check, and of all that is linked with it;
                                    NULL of a provider's, whose program is among the files */
  const char *kernels, *ptx; /* sources of the CUDA kernels, what is made of them: one suffices */
  const pv_fact *numerics;   /* identity name -> string */
  size_t numerics_count;
  const pv_fact *files; /* beside the model: as the contract writes each -> its digest */
  size_t file_count;
  /* Its provider was not asked, so nobody knows what it needs: a model or reference that the other
   * subject does not name does not count. The program has the same bytes, or nothing holds. */
  bool open;
} pv_subject;

/* What a run stands on. Texts may be NULL when they are not known. */
typedef struct pv_basis {
  const char *model, *reference, *kernels, *ptx;
  const char *builtin; /* prompts where there is no reference */
  const pv_fact *numerics;
  size_t numerics_count;
  const char *backend; /* --backend, as given to pv_bind_with */
} pv_basis;

/* Files that the falsifier names (pv_bind_files) are read; one that can not be is unknown. What is
 * not a digest of `basis` is in the arena. */
pv_code pv_subject_make(pv_arena *arena, const pv_contract *contract, const pv_falsifier *falsifier,
                        const pv_basis *basis, pv_subject *out, pv_error *err);
/* One for each falsifier, in the arena. */
pv_code pv_subject_all(pv_arena *arena, const pv_contract *contract, const pv_basis *basis,
                       pv_subject **out, pv_error *err);

/* True when `then` still holds for `now`. Else the names of what differs are appended to
 * `changed`, which may be NULL: "the model, the kernels, the file a.ptx". */
bool pv_subject_holds(const pv_subject *then, const pv_subject *now, pv_text *changed);

/* Whether both are about the same code of the check and the same kernels; unknown ones are not. */
bool pv_subject_same_code(const pv_subject *then, const pv_subject *now);

/* The name of the first file that has other bytes than it had; NULL: none has. Both are subjects of
 * one falsifier; a file that could be read neither time is as it was. */
const char *pv_subject_changed_file(const pv_subject *then, const pv_subject *now);

/* Whether `then` is about the same model, and about the same prompts, whatever else changed since.
 */
bool pv_subject_same_model(const pv_subject *then, const pv_subject *now);
bool pv_subject_same_prompts(const pv_subject *then, const pv_subject *now);

/* Everything a contract claims: all of it but status, version and history. */
pv_code pv_subject_contract(const pv_contract *contract, char out[PV_SHA256_HEX], pv_error *err);

#endif
