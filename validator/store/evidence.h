/* evidence.json: the record of one run, and the seal over the folder it lies in. See
 * docs/evidence-format.md. The seal finds every change that was not made by pv; it is no
 * signature: who can write the folder can make a new one. */
#ifndef PV_STORE_EVIDENCE_H
#define PV_STORE_EVIDENCE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "validator/model/result.h"
#include "validator/store/subject.h"

#define PV_EVIDENCE_SCHEMA "pv/evidence/v2"
/* Of a part of a run: another schema, so that nobody who knows nothing of parts takes it for one.
 */
#define PV_EVIDENCE_PART "pv/evidence-part/v1"
/* Beside the runs of a contract: the folder of the parts. */
#define PV_EVIDENCE_PARTS     "parts"
#define PV_EVIDENCE_PARTS_MAX 4096
#define PV_EVIDENCE_FILE      "evidence.json"
#define PV_EVIDENCE_LIMIT     ((size_t)64 << 20)

/* Whether the run `id` began in a later second than `other`: what a run's name begins with. Within
 * a second nothing says which was first. */
bool pv_evidence_later(const char *id, const char *other);

/* The name of the one folder that a contract's published run on this device has: its letters and
 * digits in lower case, all else as single dashes ("nvidia-h100-80gb-hbm3"). "cpu" for NULL, "none"
 * and a name without a letter. */
#define PV_EVIDENCE_DEVICE 64
void pv_evidence_device(const char *device, char out[PV_EVIDENCE_DEVICE]);

typedef struct pv_evidence {
  const pv_result *result;
  const pv_subject *subjects;    /* one for each falsifier of the result */
  const char *contract_path;     /* relative to the repository's root */
  char semantics[PV_SHA256_HEX]; /* pv_subject_contract */
  const pv_fact *files;          /* other files of the folder: name -> SHA-256 */
  size_t file_count;
} pv_evidence;

/* The text of evidence.json with its seal, appended to `out`. */
pv_code pv_evidence_render(const pv_evidence *evidence, pv_text *out, pv_error *err);

/* Reads `<folder>/evidence.json` into the arena. The result's contract holds what the evidence
 * says about it: name, version, criteria and falsifiers without their texts on failure. The seal
 * is not judged here; PV_ERR_INPUT for anything that is not this schema, a part of a run too. */
pv_code pv_evidence_read(pv_arena *arena, const char *folder, pv_evidence *out, pv_error *err);
/* The same of a run or of a part of one, which `result->part` tells apart. */
pv_code pv_evidence_read_any(pv_arena *arena, const char *folder, pv_evidence *out, pv_error *err);

/* The same of the bytes of such a file, which lies nowhere or elsewhere: `path` is what errors
 * name. Its seal is judged: one that does not fit is PV_ERR_INPUT. */
pv_code pv_evidence_read_sealed(pv_arena *arena, const char *path, const pv_bytes *bytes,
                                pv_evidence *out, pv_error *err);

/* Hashes everything again. PV_OK, and one sentence in `problems` for each thing that is not as it
 * was: a missing, changed or extra file, a broken seal, a changed byte of evidence.json. An error
 * only when the judgement itself was not possible (no memory, cancelled). */
pv_code pv_evidence_verify(pv_arena *arena, const char *folder, pv_strings *problems,
                           pv_error *err);

#endif
