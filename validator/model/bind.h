/* Falsifiers bound to the checks of a probe, and their parameters as the check gets them: typed as
 * the check says, with its own value where the contract is silent. The same object goes to the
 * probe and into the digest that a receipt must match, so a changed default makes old receipts
 * stale. */
#ifndef PV_MODEL_BIND_H
#define PV_MODEL_BIND_H

#include <jansson.h>

#include "base/error.h"
#include "validator/model/contract.h"

/* Finds the check of each falsifier, and tells its sides apart: `left: cuda:i16@rope_pairs` is
 * `left: cuda@rope_pairs` and `left_numerics: i16`, as it was written before and goes into digests;
 * `f64` is the CPU's. One with a text of its own (`llamacpp:,flash=on`) stays as it is; one that
 * the check does not take so does too, and is no value. What follows is told of a bound falsifier:
 * of one that is not, or whose check the probe does not have, as of a check that does not exist. */
void pv_bind_checks(pv_contract *contract, const pv_known *known);

/* `backend` (may be NULL) takes the place of the check's value of a parameter `backend` that the
 * contract leaves open; "ptx", the interpreter, also that of a device that the contract names,
 * except where the device itself is measured. `*out` is a new reference. A check that does not
 * exist, an unknown or missing parameter and a value of the wrong type are PV_ERR_INPUT at the
 * parameter's place. */
pv_code pv_bind_with(const pv_falsifier *falsifier, const char *backend, json_t **out,
                     pv_error *err);

/* A file that a verdict rests on, beside the model. */
typedef struct pv_used_file {
  const char *name; /* as the contract writes it */
  const char *path; /* where it lies from here */
} pv_used_file;
/* A path that the contract writes is from its own folder: as one opens it from here. In the arena;
 * NULL when memory is out. */
char *pv_bind_path(pv_arena *arena, const pv_contract *contract, const char *written);
/* Those of a falsifier: the program and the files of its provider, the values of its parameters of
 * type file; each once. In the arena. */
pv_code pv_bind_files(pv_arena *arena, const pv_contract *contract, const pv_falsifier *falsifier,
                      pv_used_file **out, size_t *count, pv_error *err);
/* Bound parameters with the paths of such files as one opens them, from any folder if they are
 * there.
 */
pv_code pv_bind_paths(const pv_contract *contract, const pv_falsifier *falsifier, json_t *with,
                      pv_error *err);

/* Bits of pv_known_needs: those of its check, and the reference where it names prompts that are not
 * built in. A check that does not exist needs nothing. */
unsigned pv_bind_needs(const pv_falsifier *falsifier);

/* The sides that the bound parameters ask for: the number of KIND[@FAULT] written to `out`, which
 * point into `with`. */
size_t pv_bind_backends(const pv_falsifier *falsifier, const json_t *with,
                        const char *out[PV_BIND_SIDES]);
/* Whether a side is of a kind, with or without a fault. */
bool pv_bind_is_kind(const char *side, const char *kind);
/* Whether the bound parameters ask for a GPU: by a side of CUDA, or by `device: gpu`. A side of
 * Vulkan alone may be a device of software. */
bool pv_bind_asks_gpu(const pv_falsifier *falsifier, const json_t *with);

/* Whether a side, of the parameter of that name, is of a kind with a text of its own: a trace or
 * another engine. */
bool pv_bind_has_text(const pv_falsifier *falsifier, const char *param, const char *side);
/* The side that is under test if it is such a one; no fault can be planted in it. NULL: it is not.
 */
const char *pv_bind_recorded(const pv_falsifier *falsifier);

/* Whether the bound parameters let the interpreter stand where the contract does not name it. What
 * holds there is not shown on a device. */
bool pv_bind_interprets(const pv_falsifier *falsifier, const json_t *with);
/* Whether the contract itself names the interpreter. */
bool pv_bind_names_interpreter(const pv_falsifier *falsifier);

/* The identity of the side that a fault is planted in; NULL for a check that has none of its own
 * choice, and where the contract's words are not typed as the check says. */
const char *pv_bind_identity(const pv_falsifier *falsifier);

/* Seconds until an answer is late: the falsifier's, else its provider's in the contract, else the
 * check's default. */
double pv_bind_timeout(const pv_falsifier *falsifier);

#endif
