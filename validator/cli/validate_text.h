/* What `pv validate` prints of a contract for a reader. */
#ifndef PV_CLI_VALIDATE_TEXT_H
#define PV_CLI_VALIDATE_TEXT_H

#include "validator/judge/judge.h"

/* Whether readers expect more than ASCII, by their locale. */
bool pv_validate_unicode(void);

/* The table, what it rests on, what to do next. `falsifiers`: each of them, too. */
pv_code pv_validate_text(const pv_judgement *judgement, bool color, bool falsifiers, pv_text *out,
                         pv_error *err);

/* One line, and nothing of a contract that is as it claims. Memory that is out is in `out`. */
void pv_validate_quiet(const pv_judgement *judgement, pv_text *out);

#endif
