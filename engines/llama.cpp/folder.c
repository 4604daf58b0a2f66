#include "folder.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ggml-backend.h>
#include <openssl/evp.h>

enum { PATH_BYTES = 4096, HEX_BYTES = 65, HASHED_AT_ONCE = 1 << 16 };

typedef struct tensor {
  const char *stage;
  int layer;
  bool index;
  int64_t rows, width;
  FILE *file;
  EVP_MD_CTX *hash; /* of what was written */
} tensor;

struct folder {
  char *path;
  tensor *list;
  size_t count, room;
  unsigned char *raw, *packed;
  size_t raw_room, packed_room;
  char failed[512];
  bool finished;
};

static void fail(folder *f, const char *format, ...) {
  va_list list;
  if (f->failed[0] != '\0') return;
  va_start(list, format);
  vsnprintf(f->failed, sizeof f->failed, format, list);
  va_end(list);
}

/* Each tensor keeps its file open: as many as the system lets us have. */
static void allow_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

folder *folder_new(const char *path) {
  folder *f = calloc(1, sizeof *f);
  if (f != NULL) f->path = strdup(path);
  if (f == NULL || f->path == NULL || mkdir(path, 0777) != 0) {
    fprintf(stderr, "error: cannot make the folder '%s': %s\n", path, strerror(errno));
    if (f != NULL) free(f->path);
    free(f);
    return NULL;
  }
  allow_files();
  return f;
}

static void file_name(const tensor *t, char *out, size_t size) {
  if (t->layer < 0)
    snprintf(out, size, "%s.bin", t->stage);
  else
    snprintf(out, size, "%s.%d.bin", t->stage, t->layer);
}

static bool path_of(const folder *f, const tensor *t, char out[PATH_BYTES]) {
  char name[128] = "manifest.json";
  if (t != NULL) file_name(t, name, sizeof name);
  return snprintf(out, PATH_BYTES, "%s/%s", f->path, name) < PATH_BYTES;
}

static bool reserve(void **p, size_t *have, size_t need) {
  if (need <= *have) return true;
  void *grown = realloc(*p, need);
  if (grown == NULL) return false;
  *p = grown;
  *have = need;
  return true;
}

static EVP_MD_CTX *hash_new(void) {
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  if (hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1) return hash;
  EVP_MD_CTX_free(hash);
  return NULL;
}

/* Frees the hash. */
static bool hash_text(EVP_MD_CTX *hash, char out[HEX_BYTES]) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  const bool good = EVP_DigestFinal_ex(hash, sum, &length) == 1;
  for (unsigned i = 0; i < length && good; i++) snprintf(out + 2 * (size_t)i, 3, "%02x", sum[i]);
  EVP_MD_CTX_free(hash);
  return good;
}

static tensor *find(folder *f, const stage *stage) {
  char path[PATH_BYTES];
  for (size_t i = 0; i < f->count; i++)
    if (f->list[i].layer == stage->layer && strcmp(f->list[i].stage, stage->name) == 0)
      return &f->list[i];
  if (f->count == f->room) {
    const size_t room = 2 * f->room + 64;
    tensor *grown = realloc(f->list, room * sizeof *grown);
    if (grown == NULL) {
      fail(f, "out of memory for %zu tensors", room);
      return NULL;
    }
    f->list = grown;
    f->room = room;
  }
  tensor *t = &f->list[f->count];
  *t = (tensor){.stage = stage->name, .layer = stage->layer};
  t->hash = hash_new();
  if (t->hash == NULL) {
    fail(f, "out of memory for a digest");
    return NULL;
  }
  t->file = path_of(f, t, path) ? fopen(path, "wbx") : NULL;
  if (t->file == NULL) {
    fail(f, "cannot write %s into '%s': %s", stage->name, f->path, strerror(errno));
    EVP_MD_CTX_free(t->hash);
    return NULL;
  }
  f->count++;
  return t;
}

static size_t element_bytes(enum ggml_type type) {
  if (type == GGML_TYPE_F32 || type == GGML_TYPE_I32) return 4;
  return type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 ? 2 : 0;
}

/* As float32, which holds each number of the other types. */
static void copy_element(enum ggml_type type, const unsigned char *from, unsigned char *to) {
  ggml_fp16_t half;
  ggml_bf16_t brain;
  float real;
  if (element_bytes(type) == 4) {
    memcpy(to, from, 4);
    return;
  }
  if (type == GGML_TYPE_F16) {
    memcpy(&half, from, sizeof half);
    real = ggml_fp16_to_fp32(half);
  } else {
    memcpy(&brain, from, sizeof brain);
    real = ggml_bf16_to_fp32(brain);
  }
  memcpy(to, &real, sizeof real);
}

/* A view may have strides: element by element then, in the order of the dimensions. */
static void pack(const struct ggml_tensor *t, const unsigned char *raw, unsigned char *out) {
  for (int64_t d = 0; d < t->ne[3]; d++)
    for (int64_t c = 0; c < t->ne[2]; c++)
      for (int64_t b = 0; b < t->ne[1]; b++)
        for (int64_t a = 0; a < t->ne[0]; a++, out += 4)
          copy_element(t->type,
                       raw + (size_t)a * t->nb[0] + (size_t)b * t->nb[1] + (size_t)c * t->nb[2] +
                           (size_t)d * t->nb[3],
                       out);
}

void folder_add(folder *f, const stage *stage) {
  const struct ggml_tensor *t = stage->values;
  const int64_t all = ggml_nelements(t);
  const size_t raw = ggml_nbytes(t), packed = 4 * (size_t)all;
  const int64_t width = stage->row == 1 ? t->ne[0] : t->ne[0] * t->ne[1];
  tensor *out = f->failed[0] == '\0' ? find(f, stage) : NULL;
  if (out == NULL) return;
  if (element_bytes(t->type) == 0) {
    fail(f, "node '%s' is of type %s", t->name, ggml_type_name(t->type));
    return;
  }
  if (out->rows > 0 && out->width != width) {
    fail(f, "%s of layer %d has rows of %" PRId64 " and of %" PRId64, stage->name, stage->layer,
         out->width, width);
    return;
  }
  if (!reserve((void **)&f->raw, &f->raw_room, raw) ||
      !reserve((void **)&f->packed, &f->packed_room, packed)) {
    fail(f, "out of memory for %s", stage->name);
    return;
  }
  const bool as_is = element_bytes(t->type) == 4 && ggml_is_contiguous(t);
  ggml_backend_tensor_get(t, f->raw, 0, raw);
  if (!as_is) pack(t, f->raw, f->packed);
  out->index = t->type == GGML_TYPE_I32;
  out->width = width;
  out->rows += all / width;
  const unsigned char *bytes = as_is ? f->raw : f->packed;
  if (EVP_DigestUpdate(out->hash, bytes, packed) != 1 ||
      fwrite(bytes, 1, packed, out->file) != packed)
    fail(f, "cannot write %s into '%s': %s", stage->name, f->path, strerror(errno));
}

static bool hash_file(EVP_MD_CTX *hash, const char *path) {
  unsigned char *buffer = malloc(HASHED_AT_ONCE);
  size_t n = 0;
  FILE *file = fopen(path, "rb");
  bool good = buffer != NULL && file != NULL;
  while (good && (n = fread(buffer, 1, HASHED_AT_ONCE, file)) > 0)
    good = EVP_DigestUpdate(hash, buffer, n) == 1;
  good = good && ferror(file) == 0;
  if (file != NULL) (void)fclose(file);
  free(buffer);
  return good;
}

/* How many parts a model has by the name of one, "NAME-00001-of-00003.gguf"; 1: it is a file alone.
 * `*digits` are the first five. */
static unsigned count_parts(char *path, char **digits) {
  static const char form[] = "-ddddd-of-ddddd.gguf";
  const size_t length = strlen(path), tail = sizeof form - 1;
  if (length < tail) return 1;
  char *at = path + length - tail;
  for (size_t i = 0; i < tail; i++)
    if (form[i] == 'd' ? !isdigit((unsigned char)at[i]) : at[i] != form[i]) return 1;
  *digits = at + 1;
  const unsigned count = (unsigned)strtoul(at + 10, NULL, 10);
  return count > 0 ? count : 1;
}

/* Over the bytes of all parts in their order. */
static bool digest_of(const char *path, char out[HEX_BYTES]) {
  char part[PATH_BYTES], number[16], *digits = NULL;
  EVP_MD_CTX *hash = hash_new();
  bool good = hash != NULL && snprintf(part, sizeof part, "%s", path) < (int)sizeof part;
  const unsigned count = good ? count_parts(part, &digits) : 0;
  for (unsigned i = 1; i <= count && good; i++) {
    snprintf(number, sizeof number, "%05u", i);
    if (digits != NULL) memcpy(digits, number, 5);
    good = hash_file(hash, part);
  }
  if (hash != NULL) good = hash_text(hash, out) && good;
  return good;
}

static void quote(FILE *out, const char *text) {
  putc('"', out);
  for (; *text != '\0'; text++)
    if (*text == '"' || *text == '\\')
      fprintf(out, "\\%c", *text);
    else if ((unsigned char)*text < 0x20)
      fprintf(out, "\\u%04x", (unsigned char)*text);
    else
      putc(*text, out);
  putc('"', out);
}

static void write_text(FILE *out, const char *key, const char *text) {
  if (text == NULL) return;
  fprintf(out, ",\n \"%s\": ", key);
  quote(out, text);
}

static void write_about(FILE *out, const folder_about *about) {
  char rule[128];
  fprintf(out, "{\n \"schema\": \"pv/trace/v2\",\n \"engine\": \"llama.cpp\"");
  write_text(out, "version", about->version);
  write_text(out, "numerics", about->numerics);
  write_text(out, "ids", about->ids);
  write_text(out, "observer", about->observer);
  fprintf(out, ",\n \"configuration\": {");
  for (size_t i = 0; about->configuration[i][0] != NULL; i++) {
    fprintf(out, "%s\n  \"%s\": ", i > 0 ? "," : "", about->configuration[i][0]);
    quote(out, about->configuration[i][1]);
  }
  fprintf(out, "\n },\n \"wanted\": [");
  for (size_t i = 0; stages_rule(i, rule, sizeof rule) != NULL; i++) {
    fprintf(out, "%s\n  ", i > 0 ? "," : "");
    quote(out, stages_rule(i, rule, sizeof rule));
  }
  fprintf(out, "\n ]");
}

static bool write_tensors(FILE *out, folder *f) {
  char name[128], digest[HEX_BYTES];
  bool good = true;
  fprintf(out, ",\n \"tensors\": [");
  for (size_t i = 0; i < f->count && good; i++) {
    tensor *t = &f->list[i];
    good = hash_text(t->hash, digest);
    t->hash = NULL;
    file_name(t, name, sizeof name);
    fprintf(out, "%s\n  {\"stage\": \"%s\"", i > 0 ? "," : "", t->stage);
    if (t->layer >= 0) fprintf(out, ", \"layer\": %d", t->layer);
    fprintf(out, ", \"file\": \"%s\", \"dtype\": \"%s\", \"shape\": [%" PRId64 ", %" PRId64 "],",
            name, t->index ? "i32" : "f32", t->rows, t->width);
    fprintf(out, "\n   \"sha256\": \"%s\"}", digest);
  }
  fprintf(out, "\n ]\n}\n");
  return good;
}

static void write_manifest(folder *f, const folder_about *about) {
  char path[PATH_BYTES], digest[HEX_BYTES];
  if (!digest_of(about->model, digest)) {
    fail(f, "cannot read '%s' for its digest", about->model);
    return;
  }
  FILE *out = path_of(f, NULL, path) ? fopen(path, "wbx") : NULL;
  bool good = out != NULL;
  if (good) {
    write_about(out, about);
    write_text(out, "model_sha256", digest);
    good = write_tensors(out, f) && ferror(out) == 0;
    good = fclose(out) == 0 && good;
  }
  if (!good) fail(f, "cannot write a manifest into '%s': %s", f->path, strerror(errno));
}

bool folder_finish(folder *f, const folder_about *about, size_t rows) {
  for (size_t i = 0; i < f->count; i++) {
    tensor *t = &f->list[i];
    if (fclose(t->file) != 0) fail(f, "cannot write %s: %s", t->stage, strerror(errno));
    t->file = NULL;
    if (t->rows != (int64_t)rows)
      fail(f, "%s of layer %d has %" PRId64 " rows for %zu positions", t->stage, t->layer, t->rows,
           rows);
  }
  if (f->count == 0) fail(f, "no node of this model is known as a stage");
  if (f->failed[0] == '\0') write_manifest(f, about);
  f->finished = f->failed[0] == '\0';
  if (!f->finished) fprintf(stderr, "error: %s\n", f->failed);
  return f->finished;
}

size_t folder_tensors(const folder *f) {
  return f->count;
}

void folder_free(folder *f) {
  char path[PATH_BYTES];
  if (f == NULL) return;
  for (size_t i = 0; i < f->count; i++) {
    if (f->list[i].file != NULL) (void)fclose(f->list[i].file);
    EVP_MD_CTX_free(f->list[i].hash);
    if (!f->finished && path_of(f, &f->list[i], path)) (void)unlink(path);
  }
  if (!f->finished && path_of(f, NULL, path)) {
    (void)unlink(path);
    (void)rmdir(f->path);
  }
  free(f->path);
  free(f->list);
  free(f->raw);
  free(f->packed);
  free(f);
}
