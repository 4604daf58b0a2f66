/* What holds in every identity: which experts there are, that each is chosen once, that the chosen
 * ones have the largest logits and the weights that these give, and which token is the top. A side
 * is held to its own logits. */
#ifndef PV_LIMITS_STRUCTURE_H
#define PV_LIMITS_STRUCTURE_H

#include "runtime/walk/rows.h"

typedef enum pv_structure_why {
  PV_STRUCTURE_SOUND,
  PV_STRUCTURE_NO_EXPERT, /* an index out of range */
  PV_STRUCTURE_TWICE,     /* an expert twice in a row */
  PV_STRUCTURE_WORSE,     /* an expert, where one with a clearly larger logit is left out */
  PV_STRUCTURE_WEIGHT,    /* not what its own logits give for its own experts */
  PV_STRUCTURE_NO_TOKEN,  /* a top token out of range */
  PV_STRUCTURE_NOT_TOP    /* a top token that has clearly not the largest of its own logits */
} pv_structure_why;

/* By how much logits and weights may contradict each other: of the largest of the row, and
 * absolutely. */
typedef struct pv_structure_room {
  double logits, logits_more;   /* a choice of experts */
  double weights, weights_more; /* of the largest weight */
  double top;                   /* the top token */
} pv_structure_room;

typedef struct pv_structure {
  pv_structure_why why;
  double want;         /* a weight: what it should be; else the largest logit that was left out */
  double limit, ratio; /* of what is wrong to it; infinite for what does not exist */
} pv_structure;

/* Element `index` of row `row` of `rows[k]`. `rows`: all stages of its operation, some of which the
 * side may not have, or not that row; what cannot be judged is sound. */
pv_structure pv_structure_judge(const pv_rows *rows, size_t k, size_t row, size_t index,
                                const pv_model *model, const pv_structure_room *room);

/* Whether the row chooses as many experts as it has places. */
bool pv_structure_is_choice(const pv_rows *indices, size_t row, uint32_t experts);

const char *pv_structure_text(pv_structure_why why);

#endif
