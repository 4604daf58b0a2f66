/* Writes variants of the small model as files into the folder that is named: for tests/cli. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/gguf/build.h"
#include "tests/unit/model/variant.h"
#include "tests/unit/testing.h"

static const char *to; /* the folder */

static bool written(const char *name, pv_text bytes) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s.gguf", to, name);
  FILE *file = fopen(path, "wb");
  bool ok =
      file != NULL && !bytes.failed && fwrite(bytes.data, 1, bytes.length, file) == bytes.length;
  if (file != NULL && fclose(file) != 0) ok = false;
  if (!ok) fprintf(stderr, "cannot write %s\n", path);
  pv_text_free(&bytes);
  return ok;
}

static pv_text with(const char *key, const char *type, const char *value) {
  pv_text pair = variant_pair(key, type, value);
  pv_text out = variant_with(key, &pair);
  pv_text_free(&pair);
  return out;
}

/* The second part of a split model, as gguf-split writes it. */
static pv_text second_part(void) {
  pv_text out = PV_TEXT_INIT;
  gb_header(&out, 1, 3);
  gb_key(&out, "split.no", PV_GGUF_U16);
  gb_u16(&out, 1);
  gb_key(&out, "split.count", PV_GGUF_U16);
  gb_u16(&out, 2);
  gb_key(&out, "split.tensors.count", PV_GGUF_I32);
  gb_u32(&out, 51);
  gb_tensor(&out, "blk.3.attn_q.weight", 4, 2, 0, PV_TYPE_F32, 0);
  gb_data(&out, 32, 32);
  return out;
}

static void test_write(void) {
  pv_text types = variant_typed("blk.1.ffn_up_exps.weight", 21);
  variant_retype(&types, "blk.2.ffn_up_exps.weight", 21);
  EXPECT(written("iq3_s", types));
  EXPECT(written("longrope", with("qwen3moe.rope.scaling.type", "str", "longrope")));
  EXPECT(written("mamba", with("general.architecture", "str", "mamba")));
  EXPECT(written("cursor", with("general.\xff.name", "str", "\x1b[2J\xe2\x80\xae")));
  EXPECT(written("bias", variant_with_tensor("blk.0.attn_q.bias")));
  EXPECT(written("short", variant_with_names(4000)));
  EXPECT(written("whole", variant_with_names(4096)));
  EXPECT(written("part", second_part()));
  EXPECT(written("type99", variant_typed("blk.1.ffn_up_exps.weight", 99)));
}

int main(int argc, char **argv) {
  if (argc != 2 || !variant_begin()) {
    fprintf(stderr, "usage: write_variants FOLDER, in the root of the repository\n");
    return 2;
  }
  to = argv[1];
  const int code = pv_testing_main("variants", (pv_case[]){PV_CASE(test_write), {0}});
  variant_end();
  return code;
}
