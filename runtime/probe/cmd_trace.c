/* pv trace, pv compare, and the digest that the determinism check asks a fresh process for. */
#include <stdlib.h>
#include <string.h>

#include "runtime/base/text.h"
#include "runtime/probe/probe.h"
#include "runtime/probe/sides.h"
#include "runtime/trace/capture.h"
#include "runtime/trace/folder.h"

static pv_status run_traced(const pv_job *job, pv_forward *forward, pv_trace_writer *writer,
                            size_t batch, pv_error *err) {
  const pv_sink sink = pv_trace_sink(writer);
  pv_status status = PV_OK;
  for (size_t at = 0; at < job->count && status == PV_OK; at += batch) {
    const size_t n = job->count - at < batch ? job->count - at : batch;
    status = pv_forward_run(forward, job->ids + at, n, n, &sink, err);
    if (pv_side_terminal()) fprintf(stderr, "\rtraced %zu of %zu positions", at + n, job->count);
  }
  if (pv_side_terminal()) fputc('\n', stderr);
  return status;
}

int pv_probe_trace(int argc, char **argv) {
  pv_side side = PV_SIDE_DEFAULTS;
  const char *out = NULL, *stages = NULL, *layers = NULL, *batch_text = NULL;
  const pv_option list[] = {
      PV_SIDE_OPTIONS(side),
      PV_SIDE_TOKENS(side),
      {"--stage", "LIST", "stages, separated by commas (default all)", &stages, NULL},
      {"--layer", "LIST", "layers, separated by commas (default all)", &layers, NULL},
      {"--batch", "N", "positions per batch (default: all at once)", &batch_text, NULL},
      {"--out", "DIR", "a new folder for the trace", &out, NULL},
      {0}};
  pv_options options = {
      .command = "trace",
      .summary = "Writes the stages of a forward to files, for every position.",
      .examples =
          "  pv trace --model models/tiny-coder-moe-Q4_K_M.gguf --ids 861,1644,198 --out t\n"
          "  pv trace --model M.gguf --prompt 'import os' --stage logits,argmax --out t\n",
      .list = list};
  pv_error err = PV_ERROR_INIT;
  pv_job job = {0};
  pv_forward *forward = NULL;
  pv_trace_writer *writer = NULL;
  pv_trace_filter filter;
  bool help = false;
  pv_status status = pv_options_parse(&options, argc, argv, &help, &err);
  if (status != PV_OK || help) return pv_side_exit(status, &err);
  if (out == NULL) status = pv_error_set(&err, PV_ERR_INPUT, "name a new folder with --out DIR");
  if (status == PV_OK) status = pv_side_open(&side, true, &job, &err);
  uint64_t batch = job.count;
  if (status == PV_OK) status = pv_option_u64("--batch", batch_text, 1, job.count, &batch, &err);
  if (status == PV_OK)
    status = pv_trace_filter_parse(stages, layers, &job.model->shape, &filter, &err);
  const pv_backend_config config = {job.numerics, job.count, batch, job.threads, side.path};
  if (status == PV_OK) status = pv_forward_open(job.model, side.backend, &config, &forward, &err);
  if (status == PV_OK) status = pv_trace_begin(out, forward, job.model, &filter, &writer, &err);
  if (status == PV_OK) status = run_traced(&job, forward, writer, batch, &err);
  if (status == PV_OK) {
    const char *const about[] = {"backend",  pv_forward_backend(forward),
                                 "numerics", pv_numerics_identity(job.numerics),
                                 "model",    side.model,
                                 NULL};
    status = pv_trace_finish(writer, about, &err);
  }
  if (status == PV_OK) printf("%s/manifest.json\n", out);
  pv_trace_free(writer);
  pv_forward_close(forward);
  pv_job_close(&job);
  return pv_side_exit(status, &err);
}

int pv_probe_digest(int argc, char **argv) {
  pv_side side = PV_SIDE_DEFAULTS;
  const pv_option list[] = {PV_SIDE_OPTIONS(side), PV_SIDE_TOKENS(side), {0}};
  pv_options options = {.command = "digest",
                        .summary = "Prints one SHA-256 over all stages of a sequence.",
                        .examples = "",
                        .list = list};
  pv_error err = PV_ERROR_INIT;
  pv_job job = {0};
  pv_capture *capture = NULL;
  char digest[65];
  bool help = false;
  pv_status status = pv_options_parse(&options, argc, argv, &help, &err);
  if (status != PV_OK || help) return pv_side_exit(status, &err);
  status = pv_side_open(&side, true, &job, &err);
  const pv_capture_spec spec = {.backend = side.backend,
                                .numerics = job.numerics,
                                .path = side.path,
                                .threads = job.threads,
                                .ids = job.ids,
                                .count = job.count};
  if (status == PV_OK) status = pv_capture_run(job.model, &spec, &capture, &err);
  if (status == PV_OK) status = pv_capture_digest(capture, digest, &err);
  if (status == PV_OK) puts(digest);
  pv_capture_free(capture);
  pv_job_close(&job);
  return pv_side_exit(status, &err);
}

typedef struct table {
  bool json, brief;
  uint64_t rows;
} table;

static void json_number(const char *name, double value) {
  if (value - value == 0.0)
    printf("\"%s\":%.17g", name, value);
  else
    printf("\"%s\":\"%s\"", name, value != value ? "nan" : "inf");
}

static void print_json(table *t, const pv_trace_row *r) {
  printf("%s\n  {\"stage\":\"%s\",\"layer\":", t->rows > 0 ? "," : "", r->stage);
  if (r->layer < 0)
    printf("null");
  else
    printf("%lld", (long long)r->layer);
  printf(",\"elements\":%llu,\"different\":%llu,", (unsigned long long)r->elements,
         (unsigned long long)r->different);
  json_number("max_abs", r->max_abs);
  putchar(',');
  json_number("cosine", r->cosine);
  printf(",\"worst\":%llu,", (unsigned long long)r->worst);
  json_number("left", r->left);
  putchar(',');
  json_number("right", r->right);
  putchar('}');
}

static void print_row(void *context, const pv_trace_row *r) {
  table *t = context;
  pv_text stage = PV_TEXT_INIT;
  if (t->json) {
    print_json(t, r);
    t->rows++;
    return;
  }
  pv_text_escape(&stage, r->stage, strlen(r->stage));
  if (t->rows++ == 0)
    printf("%-20s %5s %12s %12s %12s %14s %10s\n", "stage", "layer", "elements", "different",
           "max |l - r|", "cosine", "worst at");
  if (!t->brief || r->different > 0) {
    printf("%-20s ", stage.data != NULL ? stage.data : "");
    if (r->layer < 0)
      printf("%5s", "-");
    else
      printf("%5lld", (long long)r->layer);
    printf(" %12llu %12llu %12.4g %14.10f %10llu\n", (unsigned long long)r->elements,
           (unsigned long long)r->different, r->max_abs, r->cosine, (unsigned long long)r->worst);
  }
  pv_text_free(&stage);
}

static void print_summary(const pv_trace_comparison *c) {
  printf("%llu tensors, %llu elements compared, %llu differ\n", (unsigned long long)c->tensors,
         (unsigned long long)c->elements, (unsigned long long)c->different);
  if (c->only_left + c->only_right > 0)
    printf("%llu tensors only on the left, %llu only on the right\n",
           (unsigned long long)c->only_left, (unsigned long long)c->only_right);
  if (strcmp(c->numerics[0], c->numerics[1]) != 0)
    printf("the two sides compute different functions:\n  left:  %s\n  right: %s\n", c->numerics[0],
           c->numerics[1]);
}

int pv_probe_compare(int argc, char **argv) {
  table t = {0};
  const pv_option list[] = {{"--json", NULL, "one JSON object", NULL, &t.json},
                            {"--different", NULL, "only tensors that differ", NULL, &t.brief},
                            {0}};
  const char *folders[2];
  pv_options options = {.command = "compare",
                        .summary =
                            "Compares two trace folders, tensor by tensor, bit by bit.\n"
                            "Exit code 0: all bits equal; 1: not; 3: nothing to compare.",
                        .positional = "LEFT RIGHT",
                        .examples = "  pv compare trace-a trace-b --different\n",
                        .list = list,
                        .rest = folders,
                        .rest_max = 2};
  pv_error err = PV_ERROR_INIT;
  pv_trace_comparison c;
  bool help = false;
  pv_status status = pv_options_parse(&options, argc, argv, &help, &err);
  if (status != PV_OK || help) return pv_side_exit(status, &err);
  if (options.rest_count != 2) status = pv_error_set(&err, PV_ERR_INPUT, "name two trace folders");
  if (status == PV_OK && t.json) printf("{\"tensors\":[");
  if (status == PV_OK) status = pv_trace_compare(folders[0], folders[1], print_row, &t, &c, &err);
  if (t.json && (status == PV_OK || t.rows > 0)) printf("]");
  if (status != PV_OK) return pv_side_exit(status, &err);
  const bool same_numerics = strcmp(c.numerics[0], c.numerics[1]) == 0;
  if (t.json)
    printf(
        ",\"compared\":%llu,\"different\":%llu,\"only_left\":%llu,\"only_right\":%llu,"
        "\"same_numerics\":%s}\n",
        (unsigned long long)c.elements, (unsigned long long)c.different,
        (unsigned long long)c.only_left, (unsigned long long)c.only_right,
        same_numerics ? "true" : "false");
  else
    print_summary(&c);
  if (c.elements == 0) return 3;
  return c.different + c.only_left + c.only_right > 0 ? 1 : 0;
}
