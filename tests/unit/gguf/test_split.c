/* Sets of parts: sound ones are one model, whichever part is opened, and each that is not is
 * refused with the file, the rule and a cure. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parts.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/gguf/build.h"
#include "tests/unit/testing.h"

enum { PARTS = 3 };

/* What a part says and holds. */
typedef struct part {
  uint64_t number, count;
  uint32_t total;
  const char *tensors[3]; /* up to NULL; F32, 4 x 2, each element the first letter of the name */
  const char *key;        /* one more, a string, or NULL */
  const char *text;
} part;

static const part sound[PARTS] = {
    {0, PARTS, 3, {"a.weight"}, "general.architecture", "qwen3moe"},
    {1, PARTS, 3, {NULL}, NULL, NULL},
    {2, PARTS, 3, {"c.weight", "b.weight"}, NULL, NULL},
};

static pv_text write_part(const part *p) {
  pv_text out = PV_TEXT_INIT;
  uint64_t tensors = 0;
  while (tensors < 3 && p->tensors[tensors] != NULL) tensors++;
  gb_header(&out, tensors, p->key == NULL ? 3 : 4);
  if (p->key != NULL) {
    gb_key(&out, p->key, PV_GGUF_STRING);
    gb_string(&out, p->text);
  }
  gb_key(&out, "split.no", PV_GGUF_U64);
  gb_u64(&out, p->number);
  gb_key(&out, "split.count", PV_GGUF_U64);
  gb_u64(&out, p->count);
  gb_key(&out, "split.tensors.count", PV_GGUF_I32);
  gb_u32(&out, p->total);
  for (uint64_t i = 0; i < tensors; i++)
    gb_tensor(&out, p->tensors[i], 4, 2, 0, PV_TYPE_F32, 32 * i);
  gb_data(&out, 32, 0);
  for (uint64_t i = 0; i < tensors; i++)
    for (int k = 0; k < 8; k++) gb_f32(&out, (float)p->tensors[i][0]);
  return out;
}

/* The set in memory, and what became of it. */
static pv_code parse(const part parts[PARTS], pv_gguf **out, pv_error *err) {
  pv_text text[PARTS];
  pv_gguf_bytes_of bytes[PARTS];
  static const char *const names[PARTS] = {"first", "second", "third"};
  for (int i = 0; i < PARTS; i++) {
    text[i] = write_part(&parts[i]);
    bytes[i] = (pv_gguf_bytes_of){text[i].data, text[i].length, names[i]};
  }
  const pv_code code = pv_gguf_parse_set(bytes, PARTS, out, err);
  if (code == PV_OK) EXPECT_U64(pv_gguf_tensor_count(*out), 3);
  if (code == PV_OK) pv_gguf_close(*out);
  for (int i = 0; i < PARTS; i++) pv_text_free(&text[i]);
  return code;
}

/* Where, why; the hint is never empty. */
static void is_refusal(const pv_error *err, const char *file, const char *rule, const char *words) {
  EXPECT_STR(err->file, file);
  EXPECT_STR(err->rule, rule);
  EXPECT_HAS(err->message, words);
  EXPECT(err->hint[0] != '\0');
}

static void refused(const part parts[PARTS], const char *file, const char *rule,
                    const char *words) {
  pv_gguf *gguf = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(parse(parts, &gguf, &err), PV_ERR_INPUT);
  EXPECT(gguf == NULL);
  is_refusal(&err, file, rule, words);
}

static void test_refusals(void) {
  static const struct {
    int which;
    part part;
    const char *file, *rule, *words;
  } cases[] = {
      {1,
       {2, PARTS, 3, {NULL}, NULL, NULL},
       "second",
       "PV-GGUF-SPLIT",
       "the file stands for part 2 of 3 of a model, and says that it is part 3 of 3"},
      {2,
       {2, 4, 3, {"b", "c"}, NULL, NULL},
       "third",
       "PV-GGUF-SPLIT",
       "says that it is part 3 of 4"},
      {2, {3, 3, 3, {"b", "c"}, NULL, NULL}, "third", "PV-GGUF-SPLIT", "split.no is 3"},
      {0,
       {UINT64_MAX, PARTS, 3, {"a"}, NULL, NULL},
       "first",
       "PV-GGUF-SPLIT",
       "split.no is 18446744073709551615, and the model has 3 parts"},
      {1, {1, 0, 3, {NULL}, NULL, NULL}, "second", "PV-GGUF-SPLIT", "the model has 0 parts"},
      {0,
       {0, 65536, 3, {"a"}, NULL, NULL},
       "first",
       "PV-GGUF-SPLIT",
       "split.count is 65536; at most 65535 are read"},
      {2,
       {2, PARTS, 4, {"b", "c"}, NULL, NULL},
       "third",
       "PV-GGUF-SPLIT",
       "split.tensors.count is 4, in the first part 3"},
      {2,
       {2, PARTS, 3, {"b"}, NULL, NULL},
       "first",
       "PV-GGUF-SPLIT",
       "the 3 parts hold 2 tensors, and split.tensors.count is 3"},
      {2,
       {2, PARTS, 3, {"b", "a.weight"}, NULL, NULL},
       "third",
       "PV-GGUF-DUPLICATE-TENSOR",
       "tensor 'a.weight' is also in an earlier part"},
      {2,
       {2, PARTS, 3, {"b", "c"}, "general.architecture", "qwen3"},
       "third",
       "PV-GGUF-SPLIT",
       "key 'general.architecture' is not in the first part with this value"},
      {1,
       {1, PARTS, 3, {NULL}, "general.name", "x"},
       "second",
       "PV-GGUF-SPLIT",
       "key 'general.name' is not in the first part"},
      {1, {1, PARTS, 0xffffffffu, {NULL}, NULL, NULL}, "second", "PV-GGUF-KEY-RANGE", "negative"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    part parts[PARTS];
    memcpy(parts, sound, sizeof parts);
    parts[cases[i].which] = cases[i].part;
    refused(parts, cases[i].file, cases[i].rule, cases[i].words);
  }
  /* The same key, with the same value, is no other model's. */
  part parts[PARTS];
  pv_gguf *gguf = NULL;
  memcpy(parts, sound, sizeof parts);
  parts[1].key = "general.architecture";
  parts[1].text = "qwen3moe";
  EXPECT_I64(parse(parts, &gguf, NULL), PV_OK);
}

/* A part alone, or a number of parts that nobody has. */
static void test_alone(void) {
  pv_text text = write_part(&sound[1]);
  pv_gguf *gguf = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_gguf_parse(text.data, text.length, "alone", &gguf, &err), PV_ERR_INPUT);
  is_refusal(&err, "alone", "PV-GGUF-SPLIT", "stands for part 1 of 1 of a model");
  EXPECT_I64(pv_gguf_parse_set(NULL, 0, &gguf, &err), PV_ERR_LIMIT);
  EXPECT(gguf == NULL);
  pv_text_free(&text);
}

static const char *name_of(int i) {
  static const char *const names[PARTS] = {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf",
                                           "m-00003-of-00003.gguf"};
  return folder_path(names[i]);
}

static void put(const char *path, const part *p) {
  pv_text text = write_part(p);
  FILE *file = fopen(path, "wb");
  EXPECT(file != NULL && fwrite(text.data, 1, text.length, file) == text.length);
  if (file != NULL) fclose(file);
  pv_text_free(&text);
}

static void put_all(void) {
  for (int i = 0; i < PARTS; i++) {
    (void)unlink(name_of(i));
    put(name_of(i), &sound[i]);
  }
}

static void is_whole(const pv_gguf *g) {
  static const char names[] = "acb";
  uint64_t length = 0, all = 0;
  char want[PV_SHA256_HEX] = "", out[PV_SHA256_HEX] = "";
  EXPECT_U64(pv_gguf_part_count(g), PARTS);
  EXPECT_U64(pv_gguf_tensor_count(g), 3);
  EXPECT_U64(pv_gguf_value_count(g), 4);
  EXPECT_STR(pv_gguf_path(g), name_of(0));
  for (uint32_t i = 0; i < PARTS; i++) {
    EXPECT_STR(pv_gguf_part_path(g, i), name_of((int)i));
    (void)pv_gguf_part_bytes(g, i, &length);
    all += length;
  }
  EXPECT_U64(pv_gguf_length(g), all);
  for (uint64_t i = 0; i < 3; i++) {
    const pv_gguf_tensor *t = pv_gguf_tensor_at(g, i);
    const char name[] = {names[i], '.', 'w', 'e', 'i', 'g', 'h', 't', '\0'};
    float first = 0.0f;
    EXPECT(pv_gguf_tensor_find(g, name) == t);
    EXPECT_U64(t->part, i == 0 ? 0 : 2);
    EXPECT(t->data == pv_gguf_part_bytes(g, t->part, &length) + t->offset);
    memcpy(&first, t->data, sizeof first);
    EXPECT(first == (float)names[i]);
  }
  EXPECT_I64(pv_parts_digest(name_of(1), want, NULL), PV_OK);
  for (int drop = 0; drop < 2; drop++) {
    EXPECT_I64(pv_gguf_digest(g, drop == 1, out, NULL), PV_OK);
    EXPECT_STR(out, want);
  }
}

static void test_open(void) {
  put_all();
  for (int i = 0; i < PARTS; i++) {
    pv_gguf *g = NULL;
    pv_error err = PV_ERROR_INIT;
    EXPECT_I64(pv_gguf_open(name_of(i), &g, &err), PV_OK);
    EXPECT_STR(err.message, "");
    if (g != NULL) is_whole(g);
    pv_gguf_close(g);
  }
}

static void not_opened(const char *path, const char *file, const char *rule, const char *words) {
  pv_gguf *g = NULL;
  pv_error err = PV_ERROR_INIT;
  EXPECT(pv_gguf_open(path, &g, &err) != PV_OK);
  EXPECT(g == NULL);
  is_refusal(&err, file, rule, words);
}

static void test_missing(void) {
  put_all();
  EXPECT(unlink(name_of(1)) == 0);
  not_opened(name_of(2), name_of(1), "PV-GGUF-SPLIT-MISSING",
             "1 of the 3 parts of the model is missing");
  EXPECT(unlink(name_of(0)) == 0);
  not_opened(name_of(2), name_of(0), "PV-GGUF-SPLIT-MISSING",
             "2 of the 3 parts of the model are missing; this is the first");
  put_all();
  EXPECT(unlink(name_of(1)) == 0 && symlink("nowhere", name_of(1)) == 0);
  not_opened(name_of(0), name_of(1), "PV-GGUF-SPLIT-MISSING", "1 of the 3 parts");
  EXPECT(unlink(name_of(1)) == 0 && mkdir(name_of(1), 0777) == 0);
  not_opened(name_of(0), name_of(1), "", "is not a regular file");
  EXPECT(rmdir(name_of(1)) == 0);
  folder_write("m-00002-of-00003.gguf", "");
  not_opened(name_of(0), name_of(1), "", "is empty");
  put_all();
  struct stat info;
  EXPECT(stat(name_of(2), &info) == 0 && truncate(name_of(2), info.st_size - 1) == 0);
  not_opened(name_of(0), name_of(2), "PV-GGUF-OUTSIDE", "needs 32 bytes");
}

/* What a part's name links to may have any name, as in a cache of downloads; another name for one
 * leads to no others, and none of them comes out of a file. */
static void test_links(void) {
  pv_gguf *g = NULL;
  put_all();
  for (int i = 0; i < PARTS; i++) {
    const char *blob = folder_path(i == 0 ? "one" : i == 1 ? "two" : "three");
    EXPECT(rename(name_of(i), blob) == 0 && symlink(blob, name_of(i)) == 0);
  }
  EXPECT_I64(pv_gguf_open(name_of(1), &g, NULL), PV_OK);
  if (g != NULL) is_whole(g);
  pv_gguf_close(g);
  not_opened(folder_path("two"), folder_path("two"), "PV-GGUF-SPLIT-NAME",
             "the file is part 2 of 3 of a model, and by its name it is none");
  /* Two names for one part. */
  EXPECT(unlink(name_of(2)) == 0 && symlink("one", name_of(2)) == 0);
  not_opened(name_of(0), name_of(2), "PV-GGUF-SPLIT", "says that it is part 1 of 3");
}

static void test_names(void) {
  static const part whole = {0, 1, 1, {"a"}, NULL, NULL}, none = {0, 0, 1, {"a"}, NULL, NULL};
  static const part wild = {7, 3, 1, {"a"}, NULL, NULL};
  pv_gguf *g = NULL;
  put(folder_path("w-00001-of-00001.gguf"), &whole);
  EXPECT_I64(pv_gguf_open(folder_path("w-00001-of-00001.gguf"), &g, NULL), PV_OK);
  pv_gguf_close(g);
  put(folder_path("w.gguf"), &none);
  EXPECT_I64(pv_gguf_open(folder_path("w.gguf"), &g, NULL), PV_OK);
  pv_gguf_close(g);
  const char *path = folder_path("w-00002-of-00002.gguf");
  put(path, &whole);
  not_opened(path, path, "PV-GGUF-SPLIT-NAME", "by its name the file is part 2 of 2 of a model");
  put(folder_path("x.gguf"), &wild);
  not_opened(folder_path("x.gguf"), folder_path("x.gguf"), "PV-GGUF-SPLIT-NAME", "part 8 of 3");
  put_all(); /* of a set of three under the names of a set of two */
  EXPECT(rename(name_of(0), folder_path("y-00001-of-00002.gguf")) == 0 &&
         rename(name_of(2), folder_path("y-00002-of-00002.gguf")) == 0);
  not_opened(folder_path("y-00001-of-00002.gguf"), folder_path("y-00001-of-00002.gguf"),
             "PV-GGUF-SPLIT", "stands for part 1 of 2 of a model, and says that it is part 1 of 3");
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main("gguf split", (pv_case[]){PV_CASE(test_refusals),
                                                             PV_CASE(test_alone),
                                                             PV_CASE(test_open),
                                                             PV_CASE(test_missing),
                                                             PV_CASE(test_links),
                                                             PV_CASE(test_names),
                                                             {0}});
  folder_remove();
  return code;
}
