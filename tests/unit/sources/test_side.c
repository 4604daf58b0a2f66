/* The grammar of a side: what is read, what is refused and what is said then. */
#include <string.h>

#include "runtime/sources/side.h"
#include "tests/unit/testing.h"

/* As it is written today; "" for an error. */
static const char *again(const char *text, bool *old) {
  static char out[256];
  pv_side side;
  pv_text written = PV_TEXT_INIT;
  pv_error err = PV_ERROR_INIT;
  out[0] = '\0';
  if (pv_side_parse(text, &side, old, &err) != PV_OK) return out;
  pv_side_text(&side, &written);
  snprintf(out, sizeof out, "%s", written.data);
  pv_text_free(&written);
  return out;
}

static void test_as_written(void) {
  static const char *const same[] = {"cpu:i16",
                                     "scalar:i8",
                                     "avx2:f32-f64acc",
                                     "cuda:i16",
                                     "ptx:i8",
                                     "cuda0+1:i16",
                                     "cuda3:i8",
                                     "cuda0+1/experts:i16",
                                     "cuda3+2/experts:i8@rope_pairs",
                                     "ptx7/experts:f32-f64acc",
                                     "vulkan1:f32-f64acc@f32_accumulator",
                                     "ptx2+0+1:f32-f64acc@rope_pairs:layer=2",
                                     "vulkan:i16",
                                     "vulkan1:i8@rope_pairs",
                                     "f64",
                                     "definition:i16",
                                     "trace:a/b",
                                     "trace:a:b@c",
                                     "f64@wrong_rope_base",
                                     "cpu:i8@rope_pairs",
                                     "cuda:i16@wrong_head_group:layer=2",
                                     "definition:i16@none"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    bool old = true;
    EXPECT_STR(again(same[i], &old), same[i]);
    EXPECT(!old);
  }
}

static void test_what_is_left_out(void) {
  bool old = true;
  EXPECT_STR(again("cpu", &old), "cpu:i16");
  EXPECT(!old);
  EXPECT_STR(again("cuda@rope_pairs", &old), "cuda:i16@rope_pairs");
  EXPECT_STR(again("f64:f64", &old), "f64");
}

static void test_old_spelling(void) {
  bool old = false;
  EXPECT_STR(again("cpu:f64", &old), "f64");
  EXPECT(old);
  old = false;
  EXPECT_STR(again("tests/unit", &old), "trace:tests/unit"); /* a folder that is there */
  EXPECT(old);
}

/* What is behind an engine's kind is kept as it is written. */
static void test_engines(void) {
  static const char *const texts[] = {"llamacpp:", "llamacpp:,flash=on", "huggingface:./a b,x=1",
                                      "engine:a:b@c,d,key-2=1,2,x=y=z"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    pv_side side = {0};
    bool old = true;
    EXPECT_I64(pv_side_parse(texts[i], &side, &old, NULL), PV_OK);
    EXPECT(!old);
    EXPECT_STR(side.program, strchr(texts[i], ':') + 1);
    EXPECT(side.folder == NULL);
    EXPECT_STR(again(texts[i], &old), texts[i]);
  }
  bool old = true;
  EXPECT_STR(again("llamacpp", &old), "llamacpp:");
  EXPECT_U64(pv_side_piece("a:b@c,d,key-2=1,2,x=y=z"), 7);
  EXPECT_U64(pv_side_piece("key-2=1,2,x=y=z"), 9);
  EXPECT_U64(pv_side_piece("x=y=z"), 5);
  EXPECT_U64(pv_side_piece(",x="), 0);
  EXPECT_U64(pv_side_piece("a,-x=1,=,X=1"), 12);
  pv_side side = {0};
  pv_fault_side opened = {0};
  const pv_backend_config config = {0};
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_side_parse("llamacpp:p", &side, &old, NULL), PV_OK);
  EXPECT_I64(pv_side_open(&side, NULL, &config, &opened, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, "llamacpp is another engine");
}

static void refused(const char *text, const char *message, const char *hint) {
  pv_side side = {.folder = "untouched"};
  bool old = true;
  pv_error err = PV_ERROR_INIT;
  EXPECT_I64(pv_side_parse(text, &side, &old, &err), PV_ERR_INPUT);
  EXPECT_HAS(err.message, message);
  EXPECT_HAS(err.hint, hint);
  EXPECT_STR(side.folder, "untouched");
  EXPECT(old);
}

static void test_refused(void) {
  refused("cuda:i17",
          "'cuda:i17' is no side: there is no identity of cuda 'i17', but i16, f32-f64acc, i8",
          "did you mean cuda:i16?");
  refused(
      "cuad:i8",
      "there is no kind 'cuad', but cpu, scalar, avx2, vnni, cuda, cuda0+1, cuda0+1/experts, ptx, "
      "ptx0+1, ptx0+1/experts, vulkan, vulkan0, vulkan1, f64, definition",
      "did you mean cuda:i8?");
  refused("cuda0+0:i16", "'cuda0+0:i16' is no side: a device is named twice", "cuda0+1:i16");
  refused("cuda0+1/expert:i16", "behind devices stands /experts or nothing", "cuda0+1/experts:i16");
  refused("cuda0/experts+1", "there is no kind 'cuda0/experts+1'", "");
  refused("cuda0+", "devices are numbers joined by +", "cuda0+1:i16");
  refused("ptx01", "a device has a number from 0 to 99", "");
  refused("cuda0+1:f64", "there is no identity of cuda0+1 'f64'", "");
  refused("cpu0+1", "there is no kind 'cpu0+1'", "");
  refused("scaler@rope_pairs", "'scaler'", "did you mean scalar@rope_pairs?");
  refused("opencl:i16", "there is no kind 'opencl'", "KIND[:IDENTITY][@FAULT]");
  refused("vulkan0:f64", "there is no identity of vulkan0 'f64', but i16, f32-f64acc, i8", "");
  refused("", "there is no kind ''", "KIND[:IDENTITY][@FAULT]");
  refused(":i16", "there is no kind ''", "KIND[:IDENTITY][@FAULT]");
  refused("cpu:", "there is no identity of cpu ''", "");
  refused("cuda:f64", "there is no identity of cuda 'f64'", "");
  refused("f64:i16", "there is no identity of f64 'i16', but f64", "");
  refused("cpu:i16:i8", "'i16:i8'", "");
  refused("trace:", "'trace:' is no side: it names no folder", "did you mean trace:DIR");
  refused("trace", "it names no folder", "trace:DIR");
  refused("trace@rope_pairs", "it names no folder", "trace:DIR");
  refused("engine", "'engine' is no side: it names no program", "did you mean engine:PROGRAM");
  refused("engine:,a=b", "it names no program", "--key value");
  refused("llamacpp@rope_pairs", "it names no program", "llamacpp:PROGRAM");
  refused("llamacpp:p,flash=on,ids=1", "pv itself says --ids", "");
  refused("engine:p,model=a", "pv itself says --model", "");
  refused("engin:p,a=b", "there is no kind 'engin'", "did you mean engine:p,a=b?");
  refused("cpu:i16@rope_pear", "there is no fault 'rope_pear'", "did you mean rope_pairs?");
  refused("cpu:i16@", "there is no fault ''", "pv faults");
  refused("cpu:i16@rope_pairs:layer=x", "says no place of the fault rope_pairs",
          "rope_pairs:layer");
  char long_word[300];
  memset(long_word, 'a', sizeof long_word - 1);
  long_word[sizeof long_word - 1] = '\0';
  refused(long_word, "is no side", "KIND[:IDENTITY][@FAULT]");
}

/* Each kind once, and what it needs to be opened. */
static void test_table(void) {
  size_t count = 0;
  const pv_side_kind *kinds = pv_side_kinds(&count);
  EXPECT_U64(count, 19);
  for (size_t i = 0; i < count; i++) {
    EXPECT(pv_side_kind_find(kinds[i].name) == &kinds[i]);
    EXPECT((kinds[i].backend != NULL) == (kinds[i].numerics != 0));
    EXPECT(kinds[i].backend == NULL || kinds[i].program == NULL);
  }
  EXPECT(pv_side_kind_find("gpu") == NULL);
}

int main(void) {
  return pv_testing_main("side", (pv_case[]){PV_CASE(test_as_written),
                                             PV_CASE(test_what_is_left_out),
                                             PV_CASE(test_old_spelling),
                                             PV_CASE(test_engines),
                                             PV_CASE(test_refused),
                                             PV_CASE(test_table),
                                             {0}});
}
