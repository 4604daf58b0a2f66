/* pv synth: a model of any shape with random weights. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"
#include "runtime/reference/reference.h"
#include "runtime/synth/synth.h"
#include "screen/progress.h"

static void show(void *unused, uint64_t done, uint64_t total) {
  (void)unused;
  pv_progress_part(done, total);
}

/* The reference that belongs to a model by its name. */
static pv_code reference_path(const char *model, char out[PATH_MAX], pv_error *err) {
  const size_t length = strlen(model);
  const bool gguf = length > 5 && strcmp(model + length - 5, ".gguf") == 0;
  if (snprintf(out, PATH_MAX, "%.*s.reference", (int)(gguf ? length - 5 : length), model) <
      PATH_MAX)
    return PV_OK;
  return pv_error_set(err, PV_ERR_INPUT, "the path is too long");
}

typedef struct prompt_list {
  pv_arena arena; /* of the items, their ids and names */
  pv_reference_prompt *items;
  size_t count;
} prompt_list;

static pv_code make_prompts(const pv_synth_options *o, prompt_list *out, pv_error *err) {
  enum { PROMPTS_MAX = 64 };
  uint32_t *lengths = NULL;
  uint64_t state = o->seed;
  size_t count = 0;
  pv_code code = pv_option_ids("--prompts", o->prompts, &lengths, &count, err);
  if (code == PV_OK && count > PROMPTS_MAX)
    code = pv_error_set(err, PV_ERR_INPUT, "--prompts: more than %d", PROMPTS_MAX);
  if (code == PV_OK) out->items = PV_ARENA_NEW(&out->arena, count, pv_reference_prompt);
  if (code == PV_OK && out->items == NULL)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for prompts");
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    const uint32_t n = lengths[i];
    if (n == 0 || n > o->shape.context) {
      code = pv_error_set(err, PV_ERR_INPUT, "--prompts: a length of %u is outside 1..%u", n,
                          o->shape.context);
      break;
    }
    const char *name = pv_arena_printf(&out->arena, "p%zu-%u", i, n);
    uint32_t *ids = PV_ARENA_NEW(&out->arena, n, uint32_t);
    if (name == NULL || ids == NULL)
      code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for prompts");
    else
      pv_reference_random_ids(&state, o->shape.vocab, ids, n);
    out->items[out->count++] =
        (pv_reference_prompt){.name = name, .text = "random", .ids = ids, .count = n};
  }
  free(lengths);
  return code;
}

/* The reference is written last: a model without it is no use to a contract that names both. */
static pv_code write_both(const pv_synth_options *o, const char *path, pv_error *err) {
  char beside[PATH_MAX] = "";
  prompt_list prompts = {0};
  pv_code code = PV_OK;
  if (o->prompts != NULL) code = reference_path(path, beside, err);
  if (code == PV_OK && o->prompts != NULL) code = make_prompts(o, &prompts, err);
  if (code == PV_OK && o->prompts != NULL && !o->force && access(beside, F_OK) == 0) {
    code = pv_error_set(err, PV_ERR_INPUT, "'%s' exists already", beside);
    pv_error_hint(err, "choose another path, or replace the files with --force");
  }
  if (code == PV_OK) code = pv_synth_write(o, path, show, NULL, err);
  if (code == PV_OK && o->prompts != NULL)
    code = pv_reference_write(beside, o->shape.vocab, prompts.items, prompts.count, err);
  pv_arena_free(&prompts.arena);
  return code;
}

int pv_probe_synth(int argc, char **argv) {
  pv_synth_options options = pv_synth_defaults();
  const char *path = NULL;
  bool help = false;
  uint64_t bytes = 0;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_synth_parse(argc, argv, &options, &path, &help, &err);
  if (code == PV_OK && help) {
    fputs(pv_synth_help, stdout);
    return 0;
  }
  if (code == PV_OK) code = pv_synth_size(&options, &bytes, &err);
  const double start = pv_clock_now();
  if (code == PV_OK) {
    pv_progress_say("writing %.2f GB", (double)bytes / 1e9);
    code = write_both(&options, path, &err);
  }
  if (code == PV_OK)
    printf("%s: %.3f GB in %.2f s, %.2f GB/s\n", path, (double)bytes / 1e9, pv_clock_now() - start,
           (double)bytes / 1e9 / (pv_clock_now() - start));
  return pv_call_exit(code, &err);
}
