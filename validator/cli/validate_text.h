/* What `pv validate` prints of a contract for a reader. */
#ifndef PV_CLI_VALIDATE_TEXT_H
#define PV_CLI_VALIDATE_TEXT_H

#include "reports/render/render.h"
#include "validator/judge/judge.h"

/* The terminal that stands behind standard output: its width, and whether it has more than ASCII.
 */
pv_terminal pv_validate_terminal(bool color, bool falsifiers);

/* The table, what it rests on, what to do next. `falsifiers`: each of them, too. */
pv_code pv_validate_text(const pv_judgement *judgement, bool color, bool falsifiers, pv_text *out,
                         pv_error *err);

/* One line, and nothing of a contract that is as it claims. Memory that is out is in `out`. */
void pv_validate_quiet(const pv_judgement *judgement, pv_text *out);

#endif
