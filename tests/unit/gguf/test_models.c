/* The real files: their directory, and every truncation of a real header. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/gguf/gguf.h"
#include "tests/unit/held.h"
#include "tests/unit/testing.h"

static bool open_model(const char *type, pv_gguf **out) {
  char path[1024];
  const char *shared = pv_testing_shared();
  if (shared == NULL) {
    pv_testing_skip("the shared folder was not found");
    return false;
  }
  pv_error err = PV_ERROR_INIT;
  snprintf(path, sizeof path, "%s/models/tiny-coder-moe-%s.gguf", shared, type);
  if (pv_gguf_open(path, out, &err) == PV_OK) return true;
  EXPECT_STR(err.message, "");
  return false;
}

static void expect_type(const pv_gguf *g, const char *name, const char *type) {
  const pv_gguf_tensor *tensor = pv_gguf_tensor_find(g, name);
  REQUIRE(tensor != NULL);
  EXPECT_STR(pv_type_get((uint32_t)tensor->type)->name, type);
}

static void test_types(void) {
  static const char *const types[4] = {"BF16", "Q4_K_M", "Q6_K", "Q8_0"};
  static const char *const expected[4][5] = {/* token_embd, attn_k, attn_output, down 0, down 3 */
                                             {"BF16", "BF16", "BF16", "BF16", "BF16"},
                                             {"Q4_K", "Q8_0", "Q5_K", "Q4_K", "Q6_K"},
                                             {"Q6_K", "Q8_0", "Q6_K", "Q6_K", "Q6_K"},
                                             {"Q8_0", "Q8_0", "Q8_0", "Q8_0", "Q8_0"}};
  for (unsigned i = 0; i < 4; i++) {
    pv_gguf *g = NULL;
    if (!open_model(types[i], &g)) return;
    EXPECT_U64(pv_gguf_tensor_count(g), 51);
    expect_type(g, "token_embd.weight", expected[i][0]);
    expect_type(g, "blk.1.attn_k.weight", expected[i][1]);
    expect_type(g, "blk.2.attn_output.weight", expected[i][2]);
    expect_type(g, "blk.0.ffn_down_exps.weight", expected[i][3]);
    expect_type(g, "blk.3.ffn_down_exps.weight", expected[i][4]);
    expect_type(g, "blk.3.ffn_gate_inp.weight", "F32");
    const pv_gguf_tensor *up = pv_gguf_tensor_find(g, "blk.3.ffn_up_exps.weight");
    REQUIRE(up != NULL);
    EXPECT_U64(up->dim_count, 3);
    EXPECT_U64(up->elements, 256 * 256 * 16);
    const pv_gguf_string *tokens;
    uint64_t count = 0, length = 0, end = 0;
    EXPECT(pv_gguf_get_strings(g, "tokenizer.ggml.tokens", &tokens, &count, NULL) == PV_OK);
    EXPECT_U64(count, 4096);
    EXPECT_BYTES(tokens[4095].data, "<|im_end|>", 10);
    pv_gguf_part_bytes(g, 0, &length);
    for (uint64_t t = 0; t < 51; t++) {
      const pv_gguf_tensor *tensor = pv_gguf_tensor_at(g, t);
      if (tensor->offset + tensor->bytes > end) end = tensor->offset + tensor->bytes;
    }
    EXPECT_U64(end, length);
    pv_gguf_close(g);
  }
}

/* The header is put right before a page that cannot be read, so a read past its end is seen
 * without a sanitizer; lengths that would leave it unaligned are parsed in place. */
static void test_truncated(void) {
  pv_gguf *g = NULL;
  if (!open_model("Q4_K_M", &g)) return;
  uint64_t length = 0, refused = 0, placed = 0;
  const unsigned char *bytes = pv_gguf_part_bytes(g, 0, &length);
  const uint64_t header = pv_gguf_data_offset(g);
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t room = ((size_t)header / page + 1) * page;
  unsigned char *area =
      mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(area != MAP_FAILED);
  REQUIRE(mprotect(area + room, page, PROT_NONE) == 0);
  for (uint64_t n = 0; n <= header; n++) {
    pv_gguf *cut = NULL;
    pv_error err = PV_ERROR_INIT;
    const unsigned char *data = bytes;
    if (n % 8 == 0) {
      memcpy(area + room - n, bytes, n);
      data = area + room - n;
    }
    const pv_code code = pv_gguf_parse(data, n, "cut", &cut, &err);
    refused += code == PV_ERR_INPUT && cut == NULL && err.hint[0] != '\0' &&
               strcmp(err.file, "cut") == 0 && strcmp(err.rule, "PV-GGUF-TRUNCATED") == 0 &&
               err.byte >= 0 && (uint64_t)err.byte <= n;
    placed += strcmp(err.rule, "PV-GGUF-OUTSIDE") == 0;
  }
  /* The directory ends up to 31 bytes of padding before the data: from there on only the tensors'
   * places are wrong. */
  EXPECT(placed > 0 && placed <= 32);
  EXPECT_U64(refused + placed, header + 1);
  munmap(area, room + page);
  pv_gguf_close(g);
}

/* What was digested is the process's no longer, if that is asked for. */
static void test_digest(void) {
  char all[PV_SHA256_HEX] = "", dropped[PV_SHA256_HEX] = "-";
  pv_gguf *g = NULL;
  REQUIRE(pv_gguf_open("models/tiny-coder-moe-Q4_K_M.gguf", &g, NULL) == PV_OK);
  const unsigned char *data = pv_gguf_tensor_at(g, 0)->data;
  EXPECT_I64(pv_gguf_digest(g, false, all, NULL), PV_OK);
  EXPECT(pv_testing_held(data) > pv_gguf_length(g) / 2);
  EXPECT_I64(pv_gguf_digest(g, true, dropped, NULL), PV_OK);
  EXPECT(pv_testing_held(data) < pv_gguf_length(g) / 8);
  EXPECT_STR(dropped, all);
  pv_gguf_close(g);
}

int main(void) {
  return pv_testing_main(
      "gguf models",
      (pv_case[]){PV_CASE(test_types), PV_CASE(test_truncated), PV_CASE(test_digest), {0}});
}
