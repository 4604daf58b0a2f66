/* A statement that came from somewhere, against the evidence at hand: does the evidence say that?
 */
#ifndef PV_JUDGE_AGAINST_H
#define PV_JUDGE_AGAINST_H

#include "validator/signed/envelope.h"
#include "validator/store/evidence.h"

/* One sentence in `differences`, at most 64, for each thing that the statement says and the
 * evidence does not: a subject, a digest, a verdict, a test, a name. What the statement leaves out
 * is no difference. PV_ERR_INPUT for a statement of a type that pv does not make. */
pv_code pv_against(pv_arena *arena, const pv_signed *statement, const pv_evidence *evidence,
                   pv_strings *differences, pv_error *err);

#endif
