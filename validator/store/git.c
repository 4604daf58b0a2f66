#include "validator/store/git.h"

#include "base/child.h"

bool pv_git_says(const pv_git_call *call, pv_text *out) {
  enum { ARGS = 34, GIVEN = 20, LIMIT = 1 << 20, SECONDS = 20 };
  /* A repository's configuration can name programs: a monitor of files, what checks signatures,
   * what fetches objects that a partial clone lacks. */
  const char *argv[ARGS] = {"/usr/bin/env",
                            "GIT_ALLOW_PROTOCOL=none",
                            "GIT_NO_LAZY_FETCH=1",
                            "git",
                            "--no-optional-locks",
                            "-c",
                            "core.fsmonitor=false",
                            "-c",
                            "log.showSignature=false",
                            "-C",
                            call->folder};
  size_t count = 11;
  for (size_t i = 0; i < GIVEN && call->arguments[i] != NULL; i++)
    argv[count++] = call->arguments[i];
  const size_t limit = call->limit == 0 ? LIMIT : call->limit;
  const pv_child_spec spec = {argv, call->input, call->input_length, limit};
  pv_child *child = NULL;
  pv_text channel = PV_TEXT_INIT;
  pv_child_event event = PV_CHILD_TIMEOUT;
  if (pv_child_start(&spec, &child, NULL) != PV_OK) return false;
  bool well = pv_child_wait(child, SECONDS, &channel, LIMIT, &event, NULL) == PV_OK &&
              event == PV_CHILD_EXIT && pv_child_result(child)->code == 0 &&
              !pv_child_result(child)->output_dropped;
  if (well) {
    const pv_text *said = pv_child_stdout(child);
    pv_text_add(out, said->data == NULL ? "" : said->data, said->length);
    well = !out->failed;
  }
  pv_child_free(child);
  pv_text_free(&channel);
  return well;
}
