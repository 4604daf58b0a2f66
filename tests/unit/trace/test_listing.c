/* Both containers of a trace: what is read from them, and what is refused. No model: shapes are
 * what the trace says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/trace/recorded.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"

#define DIGEST "00000000000000000000000000000000000000000000000000000000000000ff"

static pv_recorded_model any;

/* The text as a manifest, without its files. */
static pv_code manifest(const char *text, const pv_trace_map *map, pv_recorded **out,
                        pv_error *err) {
  pv_listing l = {.place = "t/manifest.json", .prefix = "t/"};
  any = (pv_recorded_model){.map = map};
  const pv_code code = pv_listing_manifest(text, strlen(text), &l, err);
  if (code == PV_OK) return pv_recorded_of("t", &l, &any, out, err);
  pv_listing_free(&l);
  return code;
}

/* Tensors as they stand in the list of one of version 2, and what else there is. */
static pv_code tensors(const char *list, const char *more, pv_recorded **out, pv_error *err) {
  char text[2000];
  snprintf(text, sizeof text, "{\"schema\": \"pv/trace/v2\", \"tensors\": [%s]%s}", list, more);
  return manifest(text, NULL, out, err);
}

#define Q(position, rows, more)                                                             \
  "{\"stage\": \"q\", \"layer\": 1, \"file\": \"x\", \"dtype\": \"f32\", \"shape\": [" rows \
  ", 8], \"position\": " position more "}"

static void test_joined(void) {
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  pv_stage_id q = 0;
  REQUIRE(EXPECT_I64(
      tensors(Q("7", "2", "") ", " Q("3", "4", "") ", " Q("9", "1", ""), "", &r, &err), PV_OK));
  q = (pv_stage_id)pv_plan_stage(r->source.plan, "q");
  const pv_trace_tensor *t = pv_recorded_tensor(r, q, 1);
  EXPECT_U64(r->count, 1);
  EXPECT_U64(t->count, 3);
  EXPECT_U64(t->rows.from, 3);
  EXPECT_U64(t->rows.until, 10);
  EXPECT_U64(r->source.positions, 10);
  EXPECT_U64(r->source.layers, 2);
  EXPECT(pv_source_has(&r->source, q, 1) && !pv_source_has(&r->source, q, 0));
  EXPECT(!pv_recorded_has(r, q, 1)); /* positions 0 to 2 are missing */
  EXPECT_U64(r->source.span(&r->source, q, 1).from, 3);
  EXPECT(r->source.ids == NULL);
  pv_recorded_close(r);
  /* With ids the run is as long as they are. */
  REQUIRE(
      EXPECT_I64(tensors(Q("3", "4", ""), ", \"ids\": [1, 2, 3, 4, 5, 6, 7, 9]", &r, &err), PV_OK));
  EXPECT_U64(r->source.positions, 8);
  EXPECT_U64(r->source.ids[7], 9);
  pv_recorded_close(r);
}

static void test_about(void) {
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(EXPECT_I64(
      tensors(Q("0", "2", ""),
              ", \"engine\": \"e\", \"version\": \"7\", \"configuration\": {\"flash\": \"on\", "
              "\"ubatch\": \"8\"}, \"observer\": \"0\", \"wanted\": [\"a\"], \"ids\": \"4,5\"",
              &r, &err),
      PV_OK));
  EXPECT_STR(r->about, "e 7 (flash on, ubatch 8)");
  EXPECT_STR(r->source.computed, "e");
  EXPECT_STR(r->observer, "0");
  EXPECT_STR(r->source.identity, "");
  EXPECT_U64(r->source.ids[1], 5);
  pv_recorded_close(r);
}

static void test_version_1(void) {
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(EXPECT_I64(
      manifest("{\"schema\": \"pv/trace/v1\", \"backend\": \"cpu\", \"pv\": \"0.1\", \"ids\": "
               "\"1,2\", \"tensors\": [{\"file\": \"logits.bin\", \"stage\": \"logits\", "
               "\"layer\": null, \"shape\": [2, 5], \"dtype\": \"f64le\", \"position\": 0}]}",
               NULL, &r, &err),
      PV_OK));
  EXPECT_U64(r->source.real_bytes, 8);
  EXPECT_STR(r->source.computed, "cpu");
  EXPECT_I64(r->list[0].type, PV_STORED_F64);
  pv_recorded_close(r);
}

static void test_manifest_refused(void) {
  static const struct {
    const char *list, *more, *why;
  } table[] = {
      {"", "", "names no tensors"},
      {"3", "", "neither or both of stage and node"},
      {"{\"stage\": \"q\", \"node\": \"q\"}", "", "neither or both of stage and node"},
      {Q("0", "2", ", \"layer\": 2"), "", "duplicate"},
      {Q("0", "2", ", \"positon\": 2"), "", "'q.1' has a key that pv does not know: 'positon'"},
      {Q("-1", "2", ""), "", "has a position that is none"},
      {Q("1.0", "2", ""), "", "has a position that is none"},
      {Q("0", "2", ", \"offset\": \"4\""), "", "has an offset that is none"},
      {Q("0", "2", ", \"offset\": 9223372036854775807"), "", "is larger than any file"},
      {Q("0", "0", ""), "", "has no shape of rows and width"},
      {Q("0", "9223372036854775807", ""), "", "is larger than any file"},
      {Q("0", "99999999999999999999", ""), "", "is no JSON"},
      {Q("9223372036854775807", "2", ""), "", "has positions beyond 16777216"},
      {Q("0", "2", ", \"sha256\": \"ff\""), "", "64 hexadecimal digits"},
      {Q("0", "2", "") "," Q("0", "2", ""), "", "'q.1' is there twice, from position 0 on"},
      {Q("0", "2", "") "," Q("1", "2", ""), "", "'q.1@1' is there twice, from position 1 on"},
      {Q("0", "2", "") "," Q("3", "2", ""), "", "'q.1@3' leaves a hole: positions 2 to 2 are"},
      {Q("0", "2", "") ",{\"stage\": \"q\", \"layer\": 1, \"file\": \"y\", \"dtype\": \"f16\", "
                       "\"shape\": [1, 8], \"position\": 2}",
       "", "'q.1@2' is f16, and the positions before it are of another type, f32"},
      {Q("0", "2", "") ",{\"stage\": \"q\", \"layer\": 1, \"file\": \"y\", \"dtype\": \"f32\", "
                       "\"shape\": [1, 9], \"position\": 2}",
       "", "'q.1@2' is 9 wide, and the positions before it 8"},
      {Q("0", "2", ""), ", \"ids\": []", "ids is an empty list"},
      {Q("0", "2", ""), ", \"ids\": [4294967296, 1]", "number 0 of ids is no token id"},
      {Q("0", "2", ""), ", \"ids\": [1]", "has 1 token ids and tensors of 2 positions"},
      {Q("0", "2", ""), ", \"ids\": null", "ids is neither a list nor a text"},
      {Q("0", "2", ""), ", \"observer\": 3", "observer is no text"},
      {Q("0", "2", ""), ", \"wanted\": [3]", "wanted is no list of texts"},
      {Q("0", "2", ""), ", \"configuration\": []", "configuration is no object of texts"},
      {"{\"node\": \"q-1\", \"file\": \"x\", \"dtype\": \"f32\", \"shape\": [1, 8]}", "",
       "tensor 'q-1' has a name that is no stage's"},
      {"{\"stage\": \"q\", \"layer\": 1, \"dtype\": \"f32\", \"shape\": [1, 8]}", "",
       "has no file inside the folder"},
      {"{\"stage\": \"q\", \"layer\": 1, \"file\": \"a/b\", \"dtype\": \"f32\", \"shape\": [1, 8]}",
       "", "has no file inside the folder"},
      {"{\"stage\": \"q\", \"layer\": 1, \"file\": \"x\", \"dtype\": \"f8\", \"shape\": [1, 8]}",
       "", "is neither f16, bf16, f32 nor f64"},
      {"{\"stage\": \"q\", \"layer\": 1, \"file\": \"x\", \"dtype\": \"i64\", \"shape\": [1, 8]}",
       "", "is neither f16, bf16, f32 nor f64"},
      {"{\"stage\": \"q\", \"layer\": 1, \"file\": \"x\", \"dtype\": \"f32\", \"shape\": [8]}", "",
       "has no shape of rows and width"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    pv_recorded *r = NULL;
    pv_error err = PV_ERROR_INIT;
    EXPECT_I64(tensors(table[i].list, table[i].more, &r, &err), PV_ERR_INPUT);
    EXPECT(r == NULL);
    EXPECT_HAS(err.message, table[i].why);
    EXPECT_STR(err.file, "t/manifest.json");
    if (strstr(table[i].why, "no stage's") != NULL) EXPECT_HAS(err.hint, "--map");
    pv_recorded_close(r);
  }
}

/* Nodes become stages; those that no row names are left alone, whatever they are. */
static void test_mapped(void) {
  static const char map_text[] =
      "{\"schema\": \"pv/map/v1\", \"nodes\": {\"Q-{layer}\": \"q\", \"out\": \"logits\"}}";
  static const char begin[] = "{\"schema\": \"pv/trace/v2\", \"tensors\": [";
  char text[1000];
  pv_trace_map *map = NULL;
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  REQUIRE(EXPECT_I64(pv_trace_map_parse("m", map_text, strlen(map_text), &map, &err), PV_OK));
  snprintf(text, sizeof text, "%s%s]}", begin,
           "{\"node\": \"Q-2\", \"file\": \"x\", \"dtype\": \"f32\", \"shape\": [2, 8]},"
           "{\"node\": \"mask\", \"file\": \"y\", \"dtype\": \"u8\", \"shape\": [1]}");
  REQUIRE(EXPECT_I64(manifest(text, map, &r, &err), PV_OK));
  EXPECT_U64(r->unmapped, 1);
  EXPECT_U64(r->count, 1);
  EXPECT_STR(r->plan->rows[r->list[0].stage].name, "q");
  EXPECT_U64(r->list[0].layer, 2);
  EXPECT_STR(r->map_sha256, pv_trace_map_sha256(map));
  pv_recorded_close(r);
  r = NULL;
  snprintf(
      text, sizeof text, "%s%s]}", begin,
      "{\"node\": \"Q-2\", \"file\": \"x\", \"dtype\": \"f32\", \"shape\": [2, 8]},"
      "{\"stage\": \"q\", \"layer\": 2, \"file\": \"x\", \"dtype\": \"f32\", \"shape\": [2, 8]}");
  EXPECT_I64(manifest(text, map, &r, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "there twice");
  snprintf(text, sizeof text, "%s%s]}", begin,
           "{\"node\": \"mask\", \"file\": \"y\", \"dtype\": \"f32\", \"shape\": [1, 1]}");
  EXPECT_I64(manifest(text, map, &r, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "none of its 1 nodes is in the map");
  pv_trace_map_close(map);
}

static void put(FILE *f, const void *data, size_t length) {
  EXPECT(fwrite(data, 1, length, f) == length);
}

/* A safetensors file in the folder: a header, and `data` zeros or what is given. */
static void safetensors(const char *name, const char *header, const void *data, size_t length) {
  const uint64_t size = strlen(header);
  FILE *f = fopen(folder_path(name), "wb");
  if (!EXPECT(f != NULL)) return;
  put(f, &size, sizeof size);
  put(f, header, size);
  put(f, data, length);
  EXPECT(fclose(f) == 0);
}

static pv_code open_file(const char *name, pv_recorded **out, pv_error *err) {
  any = (pv_recorded_model){0};
  return pv_recorded_open(folder_path(name), &any, out, err);
}

/* The rows of a stage as the walk would read them. */
static bool read_rows(const pv_recorded *r, const char *stage, uint32_t layer, size_t position,
                      size_t rows, void *out) {
  pv_error err = PV_ERROR_INIT;
  const pv_stage_id id = (pv_stage_id)pv_plan_stage(r->source.plan, stage);
  return EXPECT_I64(r->source.read(&r->source, id, layer, position, rows, out, &err), PV_OK);
}

static void test_types(void) {
  const struct {
    uint16_t half[4], brain[2];
    float single[2];
    int64_t wide[4];
    int32_t index[2];
  } data = {{0x3c00, 0xc000, 0x0001, 0x7e00},
            {0x3f80, 0xc2f7},
            {0.1f, INFINITY},
            {7, -1, 4294967303, INT64_MIN},
            {3, 4}};
  static const char header[] =
      "{\"__metadata__\": {\"engine\": \"e\", \"configuration.ubatch\": \"2\", \"ids\": \"1,2,3\"},"
      "\"q.0\": {\"dtype\": \"F16\", \"shape\": [2, 2], \"data_offsets\": [0, 8]},"
      "\"q.1@1\": {\"dtype\": \"BF16\", \"shape\": [1, 1, 2], \"data_offsets\": [8, 12]},"
      "\"logits@2\": {\"dtype\": \"F32\", \"shape\": [1, 2], \"data_offsets\": [12, 20]},"
      "\"moe_router_indices.0\": {\"dtype\": \"I64\", \"shape\": [2, 2], \"data_offsets\": [24, "
      "56]},"
      "\"moe_router_indices.1\": {\"dtype\": \"I32\", \"shape\": [2, 1], \"data_offsets\": [56, "
      "64]}}";
  char text[sizeof header + 100];
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  /* The struct has a hole before its 64-bit numbers: that is another tensor. */
  snprintf(text, sizeof text,
           "%.*s, \"q_rope.0\": {\"dtype\": \"F32\", \"shape\": [1, 1], "
           "\"data_offsets\": [20, 24]}}",
           (int)sizeof header - 2, header);
  safetensors("types.safetensors", text, &data, sizeof data);
  if (!EXPECT_I64(open_file("types.safetensors", &r, &err), PV_OK)) {
    printf("%s\n", err.message);
    return;
  }
  float q[4], one[2];
  int32_t index[4];
  EXPECT_STR(r->about, "e (ubatch 2)");
  EXPECT_U64(r->source.real_bytes, 4);
  EXPECT_U64(r->source.positions, 3);
  if (read_rows(r, "q", 0, 0, 2, q))
    EXPECT(q[0] == 1.0f && q[1] == -2.0f && q[2] == 0x1p-24f && isnan(q[3]));
  if (read_rows(r, "q", 1, 1, 1, one)) EXPECT(one[0] == 1.0f && one[1] == -123.5f);
  if (read_rows(r, "logits", 0, 2, 1, one)) EXPECT(one[0] == 0.1f && isinf(one[1]));
  if (read_rows(r, "moe_router_indices", 0, 0, 2, index))
    EXPECT(index[0] == 7 && index[1] == -1 && index[2] == -1 && index[3] == -1);
  if (read_rows(r, "moe_router_indices", 1, 1, 1, index)) EXPECT(index[0] == 4);
  pv_recorded_close(r);
}

/* With one float64 all real numbers are; rows of several pieces come as one. */
static void test_doubles_and_pieces(void) {
  const struct {
    double late[2];
    float early[4], k[1];
  } data = {{5.0, 0.1}, {1.0f, 2.0f, 3.0f, 0.5f}, {9.0f}};
  double rows[6];
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  static const char header[] =
      "{\"v.0@2\": {\"dtype\": \"F64\", \"shape\": [1, 2], \"data_offsets\": [0, 16]},"
      "\"q.0\": {\"dtype\": \"F32\", \"shape\": [2, 2], \"data_offsets\": [16, 32]},"
      "\"q.0@2\": {\"dtype\": \"F32\", \"shape\": [1, 1, 2], \"data_offsets\": [32, 40]}}";
  float all[10];
  memcpy(all, &data, 40);
  safetensors("pieces.safetensors", header, all, 40);
  if (!EXPECT_I64(open_file("pieces.safetensors", &r, &err), PV_OK)) {
    printf("%s\n", err.message);
    return;
  }
  EXPECT_U64(r->source.real_bytes, 8);
  if (read_rows(r, "v", 0, 2, 1, rows)) EXPECT(rows[0] == 5.0 && rows[1] == 0.1);
  if (read_rows(r, "q", 0, 1, 2, rows)) EXPECT(rows[0] == 3.0 && rows[1] == 0.5 && rows[2] == 9.0);
  pv_recorded_close(r);
}

/* Over eight bytes of data. */
#define TENSOR(name, type, shape, offsets) \
  "\"" name "\": {\"dtype\": \"" type "\", \"shape\": " shape ", \"data_offsets\": " offsets "}"
static const struct {
  const char *header, *why;
  int64_t byte; /* behind the header; -1: in it, or none */
} lies[] = {
    {"", "the header is no JSON object", -1},
    {"[]", "the header is no JSON object", -1},
    {"{\"q\"", "the header is no JSON object", -1},
    {"{}", "names no tensors", -1},
    {"{\"__metadata__\": {}}", "names no tensors", -1},
    {"{\"__metadata__\": []}", "__metadata__ is no object of texts", -1},
    {"{\"__metadata__\": {\"ids\": [1]}," TENSOR("q.0", "F32", "[2, 1]", "[0, 8]") "}",
     "'ids' of __metadata__ is no text", -1},
    {"{\"__metadata__\": {\"schema\": \"pv/trace/v9\"}," TENSOR("q.0", "F32", "[2, 1]",
                                                                "[0, 8]") "}",
     "is of 'pv/trace/v9', and pv reads pv/trace/v2", -1},
    {"{" TENSOR("", "F32", "[2, 1]", "[0, 8]") "}", "has a tensor without a name", -1},
    {"{" TENSOR("q.0", "F32", "[2, 1]", "[0, 8]") "," TENSOR("q.0", "F32", "[2, 1]", "[0, 8]") "}",
     "duplicate", -1},
    {"{" TENSOR("q.0", "F99", "[2, 1]", "[0, 8]") "}",
     "tensor 'q.0' is of a type that safetensors does not have: 'F99'", -1},
    {"{" TENSOR("q.0", "U8", "[2, 4]", "[0, 8]") "}",
     "tensor 'q.0' is neither f16, bf16, f32 nor f64", -1},
    {"{\"q.0\": {\"dtype\": \"F32\", \"shape\": [2, 1]}}", "is not described by dtype", -1},
    {"{\"q.0\": 3}", "safetensors does not have", -1},
    {"{" TENSOR("q.0", "F32", "[2, 1]", "[0, 8, 9]") "}", "is not described by dtype", -1},
    {"{" TENSOR("q.0", "F32", "[2, 1]", "[0, 8.0]") "}", "is not described by dtype", -1},
    {"{" TENSOR("q.0", "F32", "[2, 1]", "[8, 0]") "}", "lies in bytes 8 to 0 of 8", 8},
    {"{" TENSOR("q.0", "F32", "[2, 1]", "[-8, 0]") "}", "lies in bytes -8 to 0 of 8", -1},
    {"{" TENSOR("q.0", "F32", "[3, 1]", "[0, 12]") "}", "lies in bytes 0 to 12 of 8", 0},
    {"{" TENSOR("q.0", "F32", "[1, 1]", "[0, 8]") "}", "has 8 bytes, and its shape and type 4", 0},
    {"{" TENSOR("q.0", "F32", "[25000000000, 1]", "[0, 8]") "}",
     "has 8 bytes, and its shape and type 100000000000", 0},
    {"{" TENSOR("q.0", "F32", "[4294967296, 4294967296]", "[0, 8]") "}",
     "has a shape that is none, or is larger than any file", -1},
    {"{" TENSOR("q.0", "F32", "[2, -1]", "[0, 8]") "}", "has a shape that is none", -1},
    {"{" TENSOR("q.0", "F32", "2", "[0, 8]") "}", "has a shape that is none", -1},
    {"{" TENSOR("q.0", "F32", "[2]", "[0, 8]") "}", "has no shape of rows and width", -1},
    {"{" TENSOR("q.0", "F32", "[1, 1]", "[0, 4]") "," TENSOR("q.1", "F16", "[1, 3]", "[2, 8]") "}",
     "'q.1' overlaps the tensor before it", 2},
    {"{" TENSOR("q.0", "F32", "[1, 1]", "[0, 4]") "," TENSOR("q.1", "F16", "[1, 1]", "[6, 8]") "}",
     "'q.1' leaves a hole behind the tensor before it", 6},
    {"{" TENSOR("q.0", "F32", "[1, 1]", "[0, 4]") "}", "the file goes on behind its last", 4},
    {"{" TENSOR("q.0", "F32", "[1, 1]", "[0, 4]") "," TENSOR("q.0@2", "F32", "[1, 1]",
                                                             "[4, 8]") "}",
     "'q.0@2' leaves a hole: positions 1 to 1 are missing", -1},
    {"{" TENSOR("model.norm", "F32", "[2, 1]", "[0, 8]") "}",
     "tensor 'model.norm' has a name that is no stage's", -1},
    {"{" TENSOR("q.9999999999", "F32", "[2, 1]", "[0, 8]") "}", "has a name that is no stage's",
     -1},
    {"{" TENSOR("q.1025", "F32", "[2, 1]", "[0, 8]") "}", "is of a layer that", -1},
    {"{" TENSOR("q", "F32", "[2, 1]", "[0, 8]") "}", "is of no layer", -1},
    {"{" TENSOR("logits.0", "F32", "[2, 1]", "[0, 8]") "}", "outside the layers", -1},
};

static void test_safetensors_refused(void) {
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    pv_recorded *r = NULL;
    pv_error err = PV_ERROR_INIT;
    safetensors("bad.safetensors", lies[i].header, "\0\0\0\0\0\0\0", 8);
    EXPECT_I64(open_file("bad.safetensors", &r, &err), PV_ERR_INPUT);
    EXPECT(r == NULL);
    EXPECT_HAS(err.message, lies[i].why);
    EXPECT_HAS(err.file, "bad.safetensors");
    if (lies[i].byte >= 0) EXPECT_I64(err.byte, 8 + (int64_t)strlen(lies[i].header) + lies[i].byte);
    pv_recorded_close(r);
  }
}

/* A length that the file does not have, or that no header has. */
static void test_header_length(void) {
  static const uint64_t lengths[] = {9, UINT64_MAX, 100000001, 1ull << 63};
  pv_recorded *r = NULL;
  pv_error err = PV_ERROR_INIT;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    FILE *f = fopen(folder_path("long.safetensors"), "wb");
    REQUIRE(f != NULL);
    put(f, &lengths[i], 8);
    put(f, "{      }", 8);
    EXPECT(fclose(f) == 0);
    EXPECT_I64(open_file("long.safetensors", &r, &err), PV_ERR_INPUT);
    EXPECT_HAS(err.message, "a header of");
    EXPECT_I64(err.byte, 0);
  }
  folder_write("short.safetensors", "1234567");
  EXPECT_I64(open_file("short.safetensors", &r, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "is neither a folder nor a safetensors file");
  EXPECT_I64(open_file("nowhere", &r, &err), PV_ERR_IO);
  EXPECT_I64(pv_recorded_open("/dev/null", &any, &r, &err), PV_ERR_INPUT);
  EXPECT(r == NULL);
}

int main(void) {
  if (folder_make() == NULL) return 1;
  const int code = pv_testing_main("trace listing", (pv_case[]){PV_CASE(test_joined),
                                                                PV_CASE(test_about),
                                                                PV_CASE(test_version_1),
                                                                PV_CASE(test_manifest_refused),
                                                                PV_CASE(test_mapped),
                                                                PV_CASE(test_types),
                                                                PV_CASE(test_doubles_and_pieces),
                                                                PV_CASE(test_safetensors_refused),
                                                                PV_CASE(test_header_length),
                                                                {0}});
  folder_remove();
  return code;
}
