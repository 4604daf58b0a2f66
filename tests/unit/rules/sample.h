/* One small contract for the tests of the rules, changed in places, and what is found in it. */
#ifndef PV_TEST_RULES_SAMPLE_H
#define PV_TEST_RULES_SAMPLE_H

#include <stdbool.h>

#include "base/text.h"
#include "validator/rules/rules.h"

#define SAMPLE_PATH "/tmp/sample.yaml"

extern const char sample_sound[]; /* nothing is found in it under SAMPLE_PATH */

/* `base` with changes: pairs of texts, the second in the place of the first, up to NULL. */
void sample_edit(pv_text *out, const char *base, const char *const *changes);

/* `sample_sound` under another name, with lines before its history, as NAME.yaml in the test's
 * folder (tests/unit/base/folder.h). */
void sample_put(const char *name, const char *lines);

/* Findings of a text, as pv lint collects them. */
void sample_judge(pv_arena *arena, const char *path, const char *text, size_t length,
                  pv_findings *findings);

/* Expects exactly these findings: for each a line "RULE LINE:COLUMN MESSAGE". */
bool sample_expect(const char *path, const char *text, const char *wanted);

#endif
