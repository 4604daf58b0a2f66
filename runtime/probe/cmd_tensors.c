/* pv tensors: what any GGUF file holds, and why pv does not compute it if it does not. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/output.h"
#include "base/text.h"
#include "runtime/probe/call.h"
#include "runtime/probe/file_json.h"
#include "runtime/probe/probe.h"

typedef struct listing {
  const char *path;
  pv_gguf *gguf;   /* the model's, when there is one */
  pv_model *model; /* owned; NULL for a file that pv does not compute */
  pv_error why;    /* then the reason */
} listing;

static const char *type_name(const pv_gguf_tensor *t) {
  return pv_type_known((uint32_t)t->type)->name;
}

static void count_types(const pv_gguf *g, uint64_t tensors[PV_TYPE_NUMBERS],
                        uint64_t bytes[PV_TYPE_NUMBERS]) {
  for (uint64_t i = 0; i < pv_gguf_tensor_count(g); i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(g, i);
    tensors[t->type]++;
    bytes[t->type] += t->bytes; /* tensors do not overlap: all are less than the file */
  }
}

/* "u32", or "string[4096]". */
static void put_value_type(pv_text *out, const pv_gguf_value *v) {
  pv_text_puts(out, pv_gguf_value_type_name(v->element));
  if (v->type == PV_GGUF_ARRAY) pv_text_printf(out, "[%llu]", (unsigned long long)v->count);
}

static void put_tensor(pv_text *out, const pv_gguf_tensor *t) {
  pv_text name = PV_TEXT_INIT;
  char shape[96];
  int n = snprintf(shape, sizeof shape, "%llu", (unsigned long long)t->dims[0]);
  for (unsigned d = 1; d < t->dim_count; d++)
    n += snprintf(shape + n, sizeof shape - (size_t)n, " x %llu", (unsigned long long)t->dims[d]);
  pv_text_escape(&name, t->name.data, t->name.length);
  pv_text_printf(out, "%-32s %-6s %-24s %14llu\n", name.data == NULL ? "" : name.data, type_name(t),
                 shape, (unsigned long long)t->bytes);
  out->failed |= name.failed;
  pv_text_free(&name);
}

static void put_key(pv_text *out, const pv_gguf *g, const pv_gguf_value *v) {
  pv_text key = PV_TEXT_INIT, type = PV_TEXT_INIT;
  pv_text_escape(&key, v->key.data, v->key.length);
  put_value_type(&type, v);
  pv_text_printf(out, "%-42s %-13s ", key.data == NULL ? "" : key.data,
                 type.data == NULL ? "" : type.data);
  pv_gguf_value_put(g, v, out);
  pv_text_puts(out, "\n");
  out->failed |= key.failed || type.failed;
  pv_text_free(&key);
  pv_text_free(&type);
}

static void put_summary(pv_text *out, const listing *l) {
  uint64_t tensors[PV_TYPE_NUMBERS] = {0}, bytes[PV_TYPE_NUMBERS] = {0};
  const pv_gguf_value *arch = pv_gguf_find(l->gguf, "general.architecture");
  count_types(l->gguf, tensors, bytes);
  pv_text_puts(out, "architecture: ");
  if (arch == NULL)
    pv_text_puts(out, "none");
  else
    pv_gguf_value_put(l->gguf, arch, out);
  pv_text_printf(
      out, "\nfile:         GGUF version 3, %llu keys, %llu tensors, %llu bytes\ntypes:        ",
      (unsigned long long)pv_gguf_value_count(l->gguf),
      (unsigned long long)pv_gguf_tensor_count(l->gguf),
      (unsigned long long)pv_gguf_length(l->gguf));
  const char *between = "";
  for (uint32_t type = 0; type < PV_TYPE_NUMBERS; type++) {
    if (tensors[type] == 0) continue;
    pv_text_printf(out, "%s%llu %s", between, (unsigned long long)tensors[type],
                   pv_type_known(type)->name);
    between = ", ";
  }
  pv_text_printf(out, "%s\n", between[0] == '\0' ? "none" : "");
  if (pv_gguf_part_count(l->gguf) > 1)
    pv_text_printf(out, "parts:        %u\n", (unsigned)pv_gguf_part_count(l->gguf));
  if (l->model != NULL && l->model->names != l->model->shape.vocab)
    pv_text_printf(out, "vocabulary:   %llu names for %u rows\n",
                   (unsigned long long)l->model->names, (unsigned)l->model->shape.vocab);
  if (l->model != NULL) return;
  pv_text_puts(out, "not computed: ");
  pv_text_escape(out, l->why.message, strlen(l->why.message));
  if (l->why.hint[0] != '\0') pv_text_puts(out, "\n              ");
  pv_text_escape(out, l->why.hint, strlen(l->why.hint));
  pv_text_puts(out, "\n");
}

static void put_text(pv_text *out, const listing *l) {
  const pv_gguf *g = l->gguf;
  pv_text_printf(out, "%-32s %-6s %-24s %14s\n", "tensor", "type", "shape", "bytes");
  for (uint64_t i = 0; i < pv_gguf_tensor_count(g); i++) put_tensor(out, pv_gguf_tensor_at(g, i));
  pv_text_printf(out, "\n%-42s %-13s %s\n", "key", "type", "value");
  for (uint64_t i = 0; i < pv_gguf_value_count(g); i++) put_key(out, g, pv_gguf_value_at(g, i));
  pv_text_puts(out, "\n");
  put_summary(out, l);
}

static json_t *tensor_json(const pv_gguf_tensor *t) {
  return json_pack("{s:o, s:s, s:[I,I,I,I], s:I, s:I, s:i}", "name",
                   pv_json_stringn(t->name.data, t->name.length), "type", type_name(t), "dims",
                   (json_int_t)t->dims[0], (json_int_t)t->dims[1], (json_int_t)t->dims[2],
                   (json_int_t)t->dims[3], "bytes", (json_int_t)t->bytes, "offset",
                   (json_int_t)t->offset, "part", (int)t->part + 1);
}

static json_t *key_json(const pv_gguf *g, const pv_gguf_value *v) {
  pv_text type = PV_TEXT_INIT;
  put_value_type(&type, v);
  json_t *out =
      type.failed ? NULL
                  : json_pack("{s:o, s:s, s:o}", "key", pv_json_stringn(v->key.data, v->key.length),
                              "type", type.data, "value", pv_file_value_json(g, v));
  pv_text_free(&type);
  return out;
}

/* One object, a line for each key and each tensor. */
static pv_code put_json(pv_text *out, const listing *l, pv_error *err) {
  const pv_gguf *g = l->gguf;
  pv_gguf_string name = {"", 0};
  const pv_gguf_value *arch = pv_gguf_find(g, "general.architecture");
  const bool named =
      arch != NULL && pv_gguf_get_string(g, "general.architecture", &name, NULL) == PV_OK;
  json_t *head = json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "schema", "pv/tensors/v1", "file",
                           pv_json_string(l->path), "architecture",
                           named ? pv_json_stringn(name.data, name.length) : json_null(),
                           "computed", l->model != NULL, "reason",
                           l->model != NULL ? json_null() : pv_json_string(l->why.message), "types",
                           pv_file_types_json(g), "parts", pv_file_parts_json(g));
  pv_code code = pv_json_write(head, JSON_COMPACT, out, err);
  json_decref(head);
  if (code != PV_OK) return code;
  if (!out->failed) out->length--; /* its brace: the lists follow */
  pv_text_puts(out, ",\n\"metadata\":[");
  for (uint64_t i = 0; i < pv_gguf_value_count(g) && code == PV_OK; i++) {
    json_t *one = key_json(g, pv_gguf_value_at(g, i));
    pv_text_puts(out, i == 0 ? "\n" : ",\n");
    code = pv_json_write(one, JSON_COMPACT, out, err);
    json_decref(one);
  }
  pv_text_puts(out, "\n],\n\"tensors\":[");
  for (uint64_t i = 0; i < pv_gguf_tensor_count(g) && code == PV_OK; i++) {
    json_t *one = tensor_json(pv_gguf_tensor_at(g, i));
    pv_text_puts(out, i == 0 ? "\n" : ",\n");
    code = pv_json_write(one, JSON_COMPACT, out, err);
    json_decref(one);
  }
  pv_text_puts(out, "\n]}\n");
  return code;
}

/* The whole list, or an error: half of it would look like a smaller model. */
static pv_code print(const listing *l, bool json, pv_error *err) {
  pv_text out = PV_TEXT_INIT;
  pv_code code = PV_OK;
  if (json)
    code = put_json(&out, l, err);
  else
    put_text(&out, l);
  if (code == PV_OK && out.failed)
    code = pv_error_set(err, PV_ERR_NOMEM, "out of memory for the list");
  if (code == PV_OK) code = pv_output_write(out.data, out.length, err);
  pv_text_free(&out);
  return code;
}

int pv_probe_tensors(int argc, char **argv) {
  listing l = {.why = PV_ERROR_INIT};
  bool json = false, help = false;
  pv_call call = PV_CALL_DEFAULTS;
  const pv_option list[] = {{"--model", "FILE", "the same as MODEL", &call.model, NULL},
                            {"--json", NULL, "one JSON object", NULL, &json},
                            {0}};
  pv_options options = {.command = "tensors",
                        .summary =
                            "Lists what a GGUF file holds: tensors with types and shapes, "
                            "metadata, architecture.",
                        .positional = "MODEL",
                        .examples = "  pv tensors models/tiny-coder-moe-Q4_K_M.gguf\n",
                        .list = list,
                        .rest_max = 1};
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_call_parse(&call, &options, argc, argv, &help, &err);
  if (code != PV_OK || help) return pv_call_exit(code, &err);
  if (call.model == NULL) code = pv_error_set(&err, PV_ERR_INPUT, "name a model file");
  l.path = call.model;
  if (code == PV_OK) code = pv_gguf_open(l.path, &l.gguf, &err);
  if (code == PV_OK && pv_model_from_gguf(l.gguf, &l.model, &l.why) == PV_ERR_NOMEM) {
    code = PV_ERR_NOMEM;
    err = l.why;
  }
  if (code == PV_OK) code = print(&l, json, &err);
  if (l.model == NULL) pv_gguf_close(l.gguf); /* else it is the model's */
  pv_model_close(l.model);
  return pv_call_exit(code, &err);
}
