/* pv trace, and the digest that the determinism check asks a fresh process for. */
#include <stdlib.h>
#include <string.h>

#include "base/parts.h"
#include "base/text.h"
#include "runtime/probe/call.h"
#include "runtime/probe/probe.h"
#include "runtime/trace/capture.h"
#include "runtime/trace/folder.h"
#include "runtime/trace/recorded.h"
#include "screen/progress.h"

static pv_code run_traced(pv_job *job, const pv_source *source, pv_trace_writer *writer,
                          size_t batch, pv_error *err) {
  const pv_visitor visitor = pv_trace_visitor(writer);
  pv_walk_progress progress = {.show = pv_call_progress, .context = job};
  const pv_walk_spec walk = {.plan = source->plan,
                             .layers = source->layers,
                             .sources = source,
                             .source_count = 1,
                             .ids = job->ids,
                             .count = job->count,
                             .batch = batch,
                             .progress = &progress};
  progress.total = pv_walk_operations(&walk);
  return pv_walk(&walk, &visitor, err);
}

/* Who computed what of which file: what a reader must know before bits mean anything. */
static pv_code describe(const pv_call *call, const pv_job *job, pv_forward *forward,
                        const char *ids, pv_trace_writer *writer, pv_error *err) {
  char digest[PV_SHA256_HEX];
  pv_gpu_info device;
  bool has = false;
  pv_progress_say("hashing the model");
  pv_code code = pv_parts_digest(call->model, digest, err);
  pv_progress_say("trace");
  if (code == PV_OK) code = pv_forward_device(forward, &has, &device, err);
  if (code != PV_OK) return code;
  const char *const about[] = {"engine",
                               "pv",
                               "version",
                               PV_VERSION,
                               "backend",
                               pv_forward_backend(forward),
                               "numerics",
                               pv_numerics_identity(job->side.numerics),
                               "model",
                               call->model,
                               "model_sha256",
                               digest,
                               "ids",
                               ids,
                               has ? "configuration.device" : NULL,
                               has ? device.name : NULL,
                               NULL};
  return pv_trace_finish(writer, about, err);
}

/* Another engine writes the folder itself, which is then looked at. */
static pv_code run_engine(const pv_call *call, const pv_job *job, const char *out, pv_error *err) {
  const pv_sequence tokens = {job->ids, job->count};
  pv_recorded_model of = {.model = job->model, .path = call->model};
  pv_recorded *recorded = NULL;
  pv_engine_spec spec;
  pv_code code = pv_call_engine(call, &job->side, &tokens, &spec, err);
  if (code == PV_OK) code = pv_engine_run(&spec, out, err);
  if (code == PV_OK) code = pv_recorded_open(out, &of, &recorded, err);
  pv_recorded_close(recorded);
  if (code == PV_OK) printf("%s/manifest.json\n", out);
  return code;
}

int pv_probe_trace(int argc, char **argv) {
  pv_call call = PV_CALL_DEFAULTS;
  const char *out = NULL, *stages = NULL, *layers = NULL, *batch_text = NULL;
  bool hashes = false;
  const pv_option list[] = {
      PV_CALL_OPTIONS(call),
      PV_CALL_TOKENS(call),
      PV_CALL_ENGINES(call),
      {"--stage", "LIST", "stages, separated by commas (default all)", &stages, NULL},
      {"--layer", "LIST", "layers, separated by commas (default all)", &layers, NULL},
      {"--batch", "N", "positions per batch (default: all at once)", &batch_text, NULL},
      {"--out", "DIR", "a new folder for the trace", &out, NULL},
      {"--hashes", NULL, "SHA-256 of each tensor alone: no numbers are written", NULL, &hashes},
      {0}};
  pv_options options = {
      .command = "trace",
      .summary = "Writes the stages of a forward to files, for every position.",
      .positional = "MODEL",
      .examples =
          "  pv trace M.gguf --ids 861,1644 --side llamacpp:./pv-trace-llamacpp --out t\n"
          "  pv trace models/tiny-coder-moe-Q4_K_M.gguf --ids 861,1644,198 --out t\n"
          "  pv trace M.gguf --prompt 'import os' --stage logits,argmax --out t\n"
          "  pv trace M.gguf --ids 861,1644,198 --hashes --out t\n",
      .list = list,
      .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  pv_job job = {0};
  pv_fault_side opened = {0};
  pv_trace_writer *writer = NULL;
  pv_trace_filter filter;
  bool help = false;
  pv_code code = pv_call_parse(&call, &options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  if (out == NULL) code = pv_error_set(&err, PV_ERR_INPUT, "name a new folder with --out DIR");
  if (code == PV_OK) code = pv_call_open(&call, true, &job, &err);
  if (code == PV_OK && job.side.program != NULL) {
    if (stages != NULL || layers != NULL || batch_text != NULL)
      code = pv_error_set(&err, PV_ERR_INPUT, "--stage, --layer and --batch are of sides of pv");
    if (code == PV_OK) code = run_engine(&call, &job, out, &err);
    pv_job_close(&job);
    return pv_call_exit(code, &err);
  }
  uint64_t batch = job.count;
  if (code == PV_OK) code = pv_option_u64("--batch", batch_text, 1, job.count, &batch, &err);
  if (code == PV_OK)
    code = pv_trace_filter_parse(stages, layers, job.model->plan, job.model->shape.layers, &filter,
                                 &err);
  const pv_backend_config config = {.context = job.count, .batch = batch, .threads = job.threads};
  if (code == PV_OK) code = pv_side_open(&job.side, job.model, &config, &opened, &err);
  if (code == PV_OK) code = pv_trace_begin(out, &filter, hashes, &writer, &err);
  if (code == PV_OK) {
    const pv_source source = pv_source_of(opened.forward);
    code = run_traced(&job, &source, writer, batch, &err);
  }
  pv_text ids = PV_TEXT_INIT;
  for (size_t i = 0; i < job.count; i++) pv_text_printf(&ids, "%s%u", i > 0 ? "," : "", job.ids[i]);
  if (code == PV_OK && ids.failed)
    code = pv_error_set(&err, PV_ERR_NOMEM, "out of memory for the manifest");
  if (code == PV_OK) code = describe(&call, &job, opened.forward, ids.data, writer, &err);
  pv_text_free(&ids);
  if (code == PV_OK) printf("%s/manifest.json\n", out);
  pv_trace_free(writer);
  pv_fault_close(&opened);
  pv_job_close(&job);
  return pv_call_exit(code, &err);
}

int pv_probe_digest(int argc, char **argv) {
  pv_call call = PV_CALL_DEFAULTS;
  const pv_option list[] = {PV_CALL_OPTIONS(call), PV_CALL_TOKENS(call), {0}};
  pv_options options = {.command = "digest",
                        .summary = "Prints one SHA-256 over all stages of a sequence.",
                        .examples = "",
                        .list = list};
  pv_error err = PV_ERROR_INIT;
  pv_job job = {0};
  pv_capture *capture = NULL;
  pv_fault_side opened = {0};
  pv_backend_config config;
  char digest[65];
  bool help = false;
  pv_code code = pv_options_parse(&options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  code = pv_call_open(&call, true, &job, &err);
  const pv_capture_spec spec = {
      .numerics = job.side.numerics, .threads = job.threads, .ids = job.ids, .count = job.count};
  if (code == PV_OK) code = pv_capture_config(&spec, &config, &err);
  if (code == PV_OK) code = pv_side_open(&job.side, job.model, &config, &opened, &err);
  if (code == PV_OK) code = pv_capture_with(opened.forward, job.model, &spec, &capture, &err);
  if (code == PV_OK) code = pv_capture_digest(capture, digest, &err);
  if (code == PV_OK) puts(digest);
  pv_capture_free(capture);
  pv_fault_close(&opened);
  pv_job_close(&job);
  return pv_call_exit(code, &err);
}
