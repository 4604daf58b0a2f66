#include "validator/run/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

struct pv_progress {
  size_t answered, total;
  const pv_falsifier *current;
  double drawn; /* when */
};

pv_progress *pv_progress_open(bool wanted, size_t answered, size_t total) {
  if (!wanted || isatty(STDERR_FILENO) != 1) return NULL;
  pv_progress *progress = calloc(1, sizeof *progress);
  if (progress == NULL) return NULL; /* a line less is no reason to stop */
  progress->answered = answered;
  progress->total = total;
  fputs("\r\x1b[Kloading", stderr);
  return progress;
}

static void draw(pv_progress *p, int64_t done, int64_t total) {
  pv_text line = PV_TEXT_INIT;
  pv_text_printf(&line, "\r\x1b[K[%zu/%zu] ", p->answered + 1, p->total);
  pv_text_escape(&line, p->current->id, p->current->id == NULL ? 0 : strnlen(p->current->id, 48));
  if (total > 0 && done >= 0 && done <= total)
    pv_text_printf(&line, " %d %%", (int)(100.0 * (double)done / (double)total));
  if (!line.failed) fputs(line.data, stderr);
  pv_text_free(&line);
  p->drawn = pv_clock_now();
}

void pv_progress_begin(pv_progress *progress, const pv_falsifier *falsifier) {
  if (progress == NULL) return;
  progress->current = falsifier;
  draw(progress, 0, 0);
}

void pv_progress_part(pv_progress *progress, int64_t done, int64_t total) {
  if (progress == NULL || progress->current == NULL || pv_clock_now() - progress->drawn < 0.1)
    return;
  draw(progress, done, total);
}

void pv_progress_answer(pv_progress *progress) {
  if (progress != NULL) progress->answered++;
}

void pv_progress_close(pv_progress *progress) {
  if (progress == NULL) return;
  fputs("\r\x1b[K", stderr);
  fflush(stderr);
  free(progress);
}
