/* Reports: pure functions from one result to text. Nothing here reads a clock, a file, the
 * environment or the locale: the same result gives the same bytes.
 *
 * Every function appends to `out` and returns PV_OK, PV_ERR_NOMEM, or PV_ERR_INTERNAL for a
 * result that contradicts itself (a PASS that compared nothing or came from nowhere, a criterion
 * better than its falsifiers, exit code 0 over a falsified claim, ...): a report that would
 * state more than its evidence is not written. On failure `out` holds what it held before.
 *
 * Texts from contracts and models are a stranger's: each format escapes them. Numbers that are
 * not finite appear as the words nan, inf and -inf (in JSON: as strings). */
#ifndef PV_REPORTS_RENDER_H
#define PV_REPORTS_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "validator/model/result.h"

#define PV_RENDER_MARKDOWN_LIMIT (1024u * 1024u) /* report.md stays below this many bytes */

/* Where the run's files lie. Each may be NULL; the renderers then leave the line out. */
typedef struct pv_render_links {
  const char *folder;          /* "reports/runs/<contract>/<run-id>" */
  const char *evidence_sha256; /* of evidence.json, 64 hex digits */
  const pv_strings *next;      /* commands that say more about what failed, for a shell */
} pv_render_links;

/* PV_OK when the result does not contradict itself (see above). Called by every
 * renderer; public so that the caller can check before it writes the first file. */
pv_code pv_render_check(const pv_result *result, pv_error *err);

/* report.md. Pictures are referred to by their file names, relative to the report. */
pv_code pv_render_markdown(const pv_result *result, const pv_render_links *links, pv_text *out,
                           pv_error *err);

/* report.html: self-contained, no scripts, pictures inline. */
pv_code pv_render_html(const pv_result *result, const pv_render_links *links, pv_text *out,
                       pv_error *err);

/* junit.xml: one test case per falsifier. FAIL and VACUOUS are failures; ERROR, CRASH and TIMEOUT
 * are errors; NOT_RUN, STALE and INCOMPARABLE are skipped, with the reason. */
pv_code pv_render_junit(const pv_result *result, pv_text *out, pv_error *err);

#define PV_RENDER_TEST_RESULT "https://in-toto.io/attestation/test-result/v0.1"
#define PV_RENDER_VSA         "https://slsa.dev/verification_summary/v1"

/* in-toto Statement v1 with the predicate PV_RENDER_TEST_RESULT: each test by its name. */
pv_code pv_render_statement(const pv_result *result, const pv_render_links *links, pv_text *out,
                            pv_error *err);

/* in-toto Statement v1 with the predicate PV_RENDER_VSA: the whole in one word. It names the other
 * one by its digest, which may be NULL. */
pv_code pv_render_vsa(const pv_result *result, const char *statement_sha256, pv_text *out,
                      pv_error *err);

/* The one object of `pv validate --json`, with a final newline. */
pv_code pv_render_json(const pv_result *result, const pv_render_links *links, pv_text *out,
                       pv_error *err);

typedef struct pv_terminal {
  bool color;      /* ANSI colours; the shapes differ without them too */
  bool ascii;      /* no characters outside ASCII */
  bool falsifiers; /* each of them, too, with what it measured */
  unsigned width;  /* columns; 0 means 80, less than 40 counts as 40 */
} pv_terminal;

/* The compact verdict table of `pv validate`, for stdout. */
pv_code pv_render_terminal(const pv_result *result, const pv_render_links *links,
                           const pv_terminal *terminal, pv_text *out, pv_error *err);

/* One SVG file per group of series that share `picture` and axis labels. */
typedef struct pv_picture {
  char *file;  /* "stage-error.svg": only [a-z0-9-] before the suffix */
  char *title; /* plain text, escaped by nobody yet */
  char *alt;   /* one sentence that says what the picture shows */
  char *svg;   /* a whole SVG document, readable on white and on dark pages */
  size_t svg_length;
} pv_picture;

typedef struct pv_pictures {
  pv_picture *items;
  size_t count;
  pv_arena arena; /* owns the items and their texts */
} pv_pictures;

/* `out` is overwritten; free it with pv_pictures_free, also after a failure. */
pv_code pv_render_pictures(const pv_result *result, pv_pictures *out, pv_error *err);
void pv_pictures_free(pv_pictures *pictures);

#endif
