#include "runtime/sources/side.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { I16 = 1 << PV_NUMERICS_I16, F64 = 1 << PV_NUMERICS_F64 };
#define ROUNDED (I16 | 1 << PV_NUMERICS_I8 | 1 << PV_NUMERICS_F32_F64ACC)

static const pv_side_kind table[] = {
    {"cpu", "the CPU, by its fastest code path", "cpu", NULL, ROUNDED, false, NULL},
    {"scalar", "the CPU, by the code path without vectors", "cpu", "scalar", ROUNDED, false, NULL},
    {"avx2", "the CPU, by the code path of AVX2", "cpu", "avx2", ROUNDED, false, NULL},
    {"vnni", "the CPU, by the code path of AVX-512 VNNI", "cpu", "vnni", ROUNDED, false, NULL},
    {"cuda", "the GPU", "cuda", NULL, ROUNDED, false, NULL},
    {"cuda0+1", "GPUs of this host by any numbers, layers over them", "cuda", NULL, ROUNDED, false,
     NULL},
    {"cuda0+1/experts", "GPUs of this host by any numbers, the experts of each layer over them",
     "cuda", NULL, ROUNDED, false, NULL},
    {"ptx", "the GPU's kernels, interpreted", "ptx", NULL, ROUNDED, false, NULL},
    {"ptx0+1", "interpreted devices by any numbers", "ptx", NULL, ROUNDED, false, NULL},
    {"ptx0+1/experts", "interpreted devices by any numbers, experts over them", "ptx", NULL,
     ROUNDED, false, NULL},
    {"vulkan", "a GPU of any make, by Vulkan", "vulkan", NULL, ROUNDED, false, NULL},
    {"vulkan0", "the first device of pv vulkan list", "vulkan0", NULL, ROUNDED, false, NULL},
    {"vulkan1", "the second one", "vulkan1", NULL, ROUNDED, false, NULL},
    {"f64", "the float64 arbiter", "cpu", NULL, F64, false, NULL},
    {"definition", "the identity's definition, written for clarity", "definition", NULL, ROUNDED,
     true, NULL},
    {"trace", "a folder that pv trace wrote: trace:DIR", NULL, NULL, 0, false, NULL},
    {"llamacpp", "llama.cpp, by a program that writes traces: llamacpp:PROGRAM,key=value", NULL,
     NULL, 0, false, "pv-trace-llamacpp"},
    {"huggingface", "Hugging Face's transformers, by such a program", NULL, NULL, 0, false,
     "pv-trace-huggingface"},
    {"engine", "any program that writes traces: engine:PROGRAM,key=value", NULL, NULL, 0, false,
     ""},
};
enum { KINDS = sizeof table / sizeof *table, WORD = PV_DEVICES_TEXT + 16 };

const pv_side_kind *pv_side_kinds(size_t *count) {
  *count = KINDS;
  return table;
}

const pv_side_kind *pv_side_kind_find(const char *name) {
  for (size_t i = 0; i < KINDS; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  for (size_t i = 0; i < KINDS; i++)
    if (pv_devices_fit(table[i].name, name, strlen(name))) return &table[i];
  return NULL;
}

static bool computes(const pv_side_kind *kind, int numerics) {
  return numerics >= 0 && (kind->numerics >> numerics & 1) != 0;
}

/* The words that could stand there, and the one that is nearest to what does: with `before` and
 * `after` it is the side that may have been meant. */
static pv_code unknown(const char *text, const char *what, const char *word,
                       const char *const *words, size_t count, const char *before,
                       const char *after, pv_error *err) {
  const char *best = pv_text_nearest(word, words, count, sizeof *words, 3);
  pv_text known = PV_TEXT_INIT;
  for (size_t i = 0; i < count; i++) pv_text_printf(&known, "%s%s", i > 0 ? ", " : "", words[i]);
  pv_error_set(err, PV_ERR_INPUT, "'%.200s' is no side: there is no %s '%s', but %s", text, what,
               word, known.failed ? "others" : known.data);
  if (best != NULL)
    pv_error_hint(err, "did you mean %s%s%s?", before, best, after);
  else
    pv_error_hint(
        err,
        "a side is KIND[:IDENTITY][@FAULT], trace:DIR or llamacpp:PROGRAM, for example cuda:i16");
  pv_text_free(&known);
  return PV_ERR_INPUT;
}

static pv_code unknown_kind(const char *text, const char *word, const char *after, pv_error *err) {
  const char *words[KINDS];
  for (size_t i = 0; i < KINDS; i++) words[i] = table[i].name;
  return unknown(text, "kind", word, words, KINDS, "", after, err);
}

static pv_code unknown_identity(const char *text, const pv_side_kind *kind, const char *word,
                                const char *after, pv_error *err) {
  const char *words[PV_NUMERICS_COUNT];
  char before[WORD], what[WORD];
  size_t count = 0;
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (computes(kind, i)) words[count++] = pv_numerics_name((pv_numerics)i);
  snprintf(before, sizeof before, "%s:", kind->name);
  snprintf(what, sizeof what, "identity of %s", kind->name);
  return unknown(text, what, word, words, count, before, after, err);
}

/* Up to `end` of the text, as a word; what is too long for any is cut. */
static void cut(const char *text, size_t length, char out[WORD]) {
  snprintf(out, WORD, "%.*s", (int)(length < WORD ? length : WORD - 1), text);
}

static bool is_folder(const char *text) {
  struct stat info;
  return stat(text, &info) == 0 && S_ISDIR(info.st_mode);
}

/* "trace:DIR", or the bare name of a folder. */
static pv_code parse_trace(const char *text, bool bare, pv_side *out, pv_error *err) {
  static const char begin[] = "trace:";
  const bool named = strncmp(text, begin, strlen(begin)) == 0;
  const char *folder = bare ? text : named ? text + strlen(begin) : "";
  if (folder[0] == '\0') {
    pv_error_set(err, PV_ERR_INPUT, "'%.200s' is no side: it names no folder", text);
    pv_error_hint(err, "did you mean trace:DIR, with a folder that pv trace wrote?");
    return PV_ERR_INPUT;
  }
  *out = (pv_side){.kind = pv_side_kind_find("trace"), .planted = {NULL, -1}, .folder = folder};
  return PV_OK;
}

/* Length of the key that a piece begins with; 0: it begins with none. */
static size_t key_length(const char *piece) {
  const size_t n = strspn(piece, "abcdefghijklmnopqrstuvwxyz0123456789-");
  return piece[n] == '=' && piece[0] != '-' ? n : 0;
}

size_t pv_side_piece(const char *text) {
  size_t n = 0;
  while (text[n] != '\0' && (text[n] != ',' || key_length(text + n + 1) == 0)) n++;
  return n;
}

/* "KIND:PROGRAM,key=value", "KIND:,key=value" or "KIND", where there is a usual program. */
static pv_code parse_engine(const char *text, const pv_side_kind *kind, pv_side *out,
                            pv_error *err) {
  static const char *const ours[] = {"model", "ids", "out"};
  const char *at = text + strlen(kind->name), *program = *at == ':' ? at + 1 : at;
  if (program[0] == '@' || (kind->program[0] == '\0' && pv_side_piece(program) == 0)) {
    pv_error_set(err, PV_ERR_INPUT, "'%.200s' is no side: it names no program", text);
    pv_error_hint(err, "did you mean %s:PROGRAM[,key=value...], which runs PROGRAM --key value?",
                  kind->name);
    return PV_ERR_INPUT;
  }
  for (at = program + pv_side_piece(program); *at == ','; at += 1 + pv_side_piece(at + 1))
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
      if (strlen(ours[i]) == key_length(at + 1) && strncmp(at + 1, ours[i], strlen(ours[i])) == 0)
        return pv_error_set(err, PV_ERR_INPUT, "'%.200s' is no side: pv itself says --%s", text,
                            ours[i]);
  *out = (pv_side){.kind = kind, .planted = {NULL, -1}, .program = program};
  return PV_OK;
}

/* The one that is named; without a name i16, or the only one. */
static int identity_of(const pv_side_kind *kind, const char *name) {
  if (name != NULL) return pv_numerics_find(name);
  return computes(kind, PV_NUMERICS_I16) ? PV_NUMERICS_I16 : PV_NUMERICS_F64;
}

/* Which devices a kind of several is of. */
static pv_code take_devices(const char *text, const char *kind, pv_side *side, pv_error *err) {
  const size_t stem = pv_devices_stem(side->kind->name);
  pv_devices devices;
  if (stem == 0) return PV_OK;
  const char *wrong = pv_devices_read(kind + stem, &devices);
  if (wrong != NULL) {
    pv_error_set(err, PV_ERR_INPUT, "'%.200s' is no side: %s", text, wrong);
    pv_error_hint(err, "a side of two GPUs is cuda0+1:i16 or cuda0+1/experts:i16, for example");
    return PV_ERR_INPUT;
  }
  snprintf(side->devices, sizeof side->devices, "%s", kind + stem);
  return PV_OK;
}

pv_code pv_side_parse(const char *text, pv_side *out, bool *old, pv_error *err) {
  const size_t word = strcspn(text, ":@");
  const char *fault = strchr(text, '@'), *rest = fault != NULL ? fault : text + strlen(text);
  const bool named = text + word < rest;
  char kind[WORD], identity[WORD] = "";
  pv_side side = {.planted = {NULL, -1}};
  bool before = false;
  pv_code code = PV_OK;
  cut(text, word, kind);
  if (named) cut(text + word + 1, (size_t)(rest - text) - word - 1, identity);
  side.kind = pv_side_kind_find(kind);
  if (side.kind == NULL && !(before = is_folder(text)))
    return unknown_kind(text, kind, text + word, err);
  if (side.kind != NULL && side.kind->program != NULL) {
    code = parse_engine(text, side.kind, &side, err);
  } else if (side.kind == NULL || side.kind->backend == NULL) {
    code = parse_trace(text, before, &side, err);
  } else {
    const int numerics = identity_of(side.kind, named ? identity : NULL);
    before = numerics == PV_NUMERICS_F64 && strcmp(kind, "cpu") == 0;
    if (before) side.kind = pv_side_kind_find("f64");
    if (!computes(side.kind, numerics))
      return unknown_identity(text, side.kind, identity, rest, err);
    side.numerics = (pv_numerics)numerics;
    code = take_devices(text, kind, &side, err);
    if (code == PV_OK && fault != NULL) code = pv_fault_parse(fault + 1, &side.planted, err);
  }
  if (code != PV_OK) return code;
  *old = before;
  *out = side;
  return PV_OK;
}

void pv_side_put_kind(const pv_side *side, pv_text *out) {
  const size_t stem = pv_devices_stem(side->kind->name);
  if (stem > 0)
    pv_text_printf(out, "%.*s%s", (int)stem, side->kind->name, side->devices);
  else
    pv_text_puts(out, side->kind->name);
}

const char *pv_side_backend(const pv_side *side, char out[PV_SIDE_BACKEND]) {
  snprintf(out, PV_SIDE_BACKEND, "%s%s", side->kind->backend, side->devices);
  return out;
}

void pv_side_text(const pv_side *side, pv_text *out) {
  const char *own = side->folder != NULL ? side->folder : side->program;
  pv_side_put_kind(side, out);
  if (own != NULL) {
    pv_text_puts(out, ":");
    pv_text_escape(out, own, strlen(own));
    return;
  }
  if (side->numerics != PV_NUMERICS_F64)
    pv_text_printf(out, ":%s", pv_numerics_name(side->numerics));
  if (side->planted.fault != NULL) pv_text_printf(out, "@%s", side->planted.fault->name);
  if (side->planted.fault != NULL && side->planted.layer >= 0)
    pv_text_printf(out, ":layer=%lld", (long long)side->planted.layer);
}

enum { NOTE = 192 };

static void say(const char *line, char before[NOTE]) {
  if (strcmp(line, before) != 0) fprintf(stderr, "note: %s\n", line);
  snprintf(before, NOTE, "%s", line);
}

/* Whoever waits for layers to come again and again, or for what one device has of another, is told
 * why, once for each side. */
static pv_code say_ways(const pv_side *side, const pv_model *model, pv_forward *forward,
                        pv_error *err) {
  static char streams[NOTE], detours[NOTE];
  char line[NOTE];
  pv_gpu_info device = {0};
  bool has = false;
  const pv_code code = pv_forward_device(forward, &has, &device, err);
  if (code != PV_OK || !has) return code;
  snprintf(line, sizeof line,
           "%s: %u of %u layers (%.2f GB) have no room on the device: they come from the host for "
           "each batch",
           side->kind->backend, device.streamed_layers, model->shape.layers,
           (double)device.streamed / 1e9);
  if (device.streamed_layers > 0) say(line, streams);
  snprintf(line, sizeof line,
           "%s: the devices have no access to each other: rows go through the host",
           side->kind->backend);
  if (device.detour) say(line, detours);
  return PV_OK;
}

pv_code pv_side_open(const pv_side *side, const pv_model *model, const pv_backend_config *config,
                     pv_fault_side *out, pv_error *err) {
  pv_backend_config own = *config;
  pv_planted planted = side->planted;
  char backend[PV_SIDE_BACKEND];
  pv_code code = PV_OK;
  own.numerics = side->numerics;
  own.path = side->kind->path;
  if (side->folder != NULL)
    return pv_error_set(err, PV_ERR_INPUT, "a trace computes nothing: trace:%.200s", side->folder);
  if (side->program != NULL) {
    pv_error_set(err, PV_ERR_INPUT, "%s is another engine: pv computes nothing by it",
                 side->kind->name);
    pv_error_hint(err, "pv judge, bisect, compare, trace and perplexity run it");
    return PV_ERR_INPUT;
  }
  if (!side->kind->defines) {
    code = pv_fault_open(model, pv_side_backend(side, backend), &own, &planted, out, err);
    return code == PV_OK ? say_ways(side, model, out->forward, err) : code;
  }
  if (planted.fault == NULL) code = pv_fault_parse("none", &planted, err);
  return code == PV_OK ? pv_fault_stand_in(model, &own, &planted, out, err) : code;
}
