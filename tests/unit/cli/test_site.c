/* Where things lie around a contract, and what pv says of a run. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"
#include "validator/cli/facts.h"
#include "validator/cli/site.h"

static pv_arena arena;
static pv_site site;
static pv_error err;
static char root[PATH_MAX];

static void touch(const char *name) {
  folder_write(name, "x");
}

static const char *at(const char *name) {
  return pv_arena_printf(&arena, "%s/%s", root, name);
}

static void test_root_is_above(void) {
  EXPECT(pv_site_find(&arena, at("contracts/deep/c.yaml"), &site, &err) == PV_OK);
  EXPECT_STR(site.root, root);
  EXPECT_STR(site.folder, at("contracts/deep"));
  EXPECT_STR(site.home, at("contracts"));
  EXPECT_STR(site.relative, "contracts/deep/c.yaml");
}

static void test_without_models_the_current_folder(void) {
  char here[PATH_MAX];
  EXPECT(pv_site_find(&arena, "/tmp/c.yaml", &site, &err) == PV_OK);
  EXPECT_STR(site.root, getcwd(here, sizeof here));
  EXPECT_STR(site.home, "/");
  EXPECT_STR(site.relative, "c.yaml"); /* outside: no path of this machine */
  EXPECT(pv_site_find(&arena, "/nowhere/at/all/c.yaml", &site, &err) == PV_ERR_IO);
}

static void test_model(void) {
  const char *model = "unset";
  EXPECT(pv_site_find(&arena, at("contracts/c.yaml"), &site, &err) == PV_OK);
  EXPECT(pv_site_model(&arena, &site, NULL, &model, &err) == PV_OK);
  EXPECT_STR(model, at(PV_SITE_MODEL));
  EXPECT(unlink(model) == 0);
  EXPECT(pv_site_model(&arena, &site, NULL, &model, &err) == PV_OK);
  EXPECT(model == NULL);
  EXPECT(pv_site_model(&arena, &site, at("models/none.gguf"), &model, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "none.gguf");
  EXPECT(pv_site_model(&arena, &site, root, &model, &err) == PV_ERR_INPUT);
  EXPECT_HAS(err.message, "is a folder");
}

/* The longest stem that begins the model's name, at a mark between words. */
static void test_reference(void) {
  const char *found = NULL;
  EXPECT(pv_site_reference(&arena, at("models/tiny-coder-moe-Q6_K.gguf"), NULL, &found, &err) ==
         PV_OK);
  EXPECT_STR(found, at("models/tiny-coder-moe.reference"));
  EXPECT(pv_site_reference(&arena, at("models/tiny-coder-moe.gguf"), NULL, &found, &err) == PV_OK);
  EXPECT_STR(found, at("models/tiny-coder-moe.reference"));
  EXPECT(pv_site_reference(&arena, at("models/tiny-coder-moex.gguf"), NULL, &found, &err) == PV_OK);
  EXPECT_STR(found, at("models/tiny-coder.reference")); /* not tiny-coder-moe */
  EXPECT(pv_site_reference(&arena, at("models/other.gguf"), NULL, &found, &err) == PV_OK);
  EXPECT(found == NULL);
  EXPECT(pv_site_reference(&arena, NULL, NULL, &found, &err) == PV_OK && found == NULL);
}

static void test_command(void) {
  char *out = NULL;
  char *argv[] = {(char[]){"validate"}, (char[]){"a b.yaml"},  (char[]){"it's"},
                  (char[]){""},         (char[]){"--x=$(id)"}, (char[]){"\xff"}};
  EXPECT(pv_facts_command(&arena, 5, argv, &out, &err) == PV_OK);
  EXPECT_STR(out, "pv validate 'a b.yaml' 'it'\\''s' '' '--x=$(id)'");
  EXPECT(pv_facts_command(&arena, 6, argv, &out, &err) == PV_OK);
  EXPECT_HAS(out, "xff"); /* shown: evidence is UTF-8 */
}

static void test_run_id(void) {
  char *now = NULL, *one = NULL, *two = NULL;
  EXPECT(pv_facts_now(&arena, &now, &err) == PV_OK);
  EXPECT_U64(strlen(now), strlen("2026-11-22T10:15:00Z"));
  EXPECT(pv_facts_run_id(&arena, "2026-11-22T10:15:00Z", "aa", "pv", &one, &err) == PV_OK);
  EXPECT(pv_facts_run_id(&arena, "2026-11-22T10:15:00Z", "aa", "pv", &two, &err) == PV_OK);
  EXPECT_U64(strncmp(one, "20261122T101500Z-", 17), 0);
  EXPECT_U64(strlen(one), 25);
  EXPECT(strcmp(one, two) != 0); /* two runs in one second */
}

int main(void) {
  const char *folder = folder_make();
  if (folder == NULL || realpath(folder, root) == NULL) return 1;
  mkdir(folder_path("contracts"), 0777);
  mkdir(folder_path("contracts/deep"), 0777);
  mkdir(folder_path("models"), 0777);
  touch(PV_SITE_MODEL);
  touch("models/tiny.reference");
  touch("models/tiny-coder.reference");
  touch("models/tiny-coder-moe.reference");
  touch("models/tiny-coder-moe-x.reference");
  const int code =
      pv_testing_main("site", (pv_case[]){PV_CASE(test_root_is_above),
                                          PV_CASE(test_without_models_the_current_folder),
                                          PV_CASE(test_model),
                                          PV_CASE(test_reference),
                                          PV_CASE(test_command),
                                          PV_CASE(test_run_id),
                                          {0}});
  pv_arena_free(&arena);
  folder_remove();
  return code;
}
