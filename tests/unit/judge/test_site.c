/* Where things lie around a contract, and what pv says of a run. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/unit/base/folder.h"
#include "tests/unit/testing.h"
#include "validator/judge/facts.h"
#include "validator/judge/site.h"

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

static void make(const char *name, mode_t mode) {
  EXPECT(mkdir(folder_path(name), 0755) == 0 && chmod(folder_path(name), mode) == 0);
}

/* Without a repository: what lies above is read, nothing is written there. */
static void test_root_is_above(void) {
  EXPECT(pv_site_find(&arena, at("contracts/deep/c.yaml"), &site, &err) == PV_OK);
  EXPECT_STR(site.root, root);
  EXPECT_STR(site.folder, at("contracts/deep"));
  EXPECT_STR(site.home, at("contracts"));
  EXPECT_STR(site.runs, at("contracts/deep"));
  EXPECT(site.repository == NULL);
  EXPECT_STR(site.relative, "contracts/deep/c.yaml");
  EXPECT_HAS(site.root_why, "../..: the nearest folder with models; ../../..");
  EXPECT_STR(site.evidence_why, "../reports/published: in no repository");
}

/* Neither the current folder nor one that is not named has a say. */
static void test_without_models(void) {
  make("bare", 0755);
  make("bare/models", 0777); /* anybody could put a model there */
  touch("bare/" PV_SITE_MODEL);
  EXPECT(pv_site_find(&arena, at("bare/c.yaml"), &site, &err) == PV_OK);
  EXPECT_STR(site.root, root); /* which has some */
  make("bare/.git", 0755);
  EXPECT(pv_site_find(&arena, at("bare/c.yaml"), &site, &err) == PV_OK);
  EXPECT_STR(site.root, at("bare"));
  EXPECT(site.home == NULL);
  EXPECT_STR(site.root_why, ".: the repository, which has no models; .. is outside the repository");
  EXPECT_STR(site.evidence_why, "nowhere: .. is outside the repository");
  EXPECT_STR(site.relative, "c.yaml");
  EXPECT(pv_site_find(&arena, "/nowhere/at/all/c.yaml", &site, &err) == PV_ERR_IO);
}

static void test_stops_at_the_repository(void) {
  make("repo", 0755);
  make("repo/sub", 0755);
  make("repo/sub/contracts", 0755);
  touch("repo/.git"); /* of a worktree it is a file */
  EXPECT(pv_site_find(&arena, at("repo/sub/contracts/c.yaml"), &site, &err) == PV_OK);
  EXPECT_STR(site.repository, at("repo"));
  EXPECT_STR(site.root, at("repo")); /* not `root`, although it has models */
  EXPECT_STR(site.home, at("repo/sub"));
  EXPECT_STR(site.runs, at("repo"));
  EXPECT_STR(site.evidence_why, "../reports/published: in the same repository");
  make("repo/sub/models", 0755);
  EXPECT(pv_site_find(&arena, at("repo/sub/contracts/c.yaml"), &site, &err) == PV_OK);
  EXPECT_STR(site.root, at("repo/sub"));
  EXPECT_STR(site.runs, at("repo/sub"));
}

/* A folder that anybody may write is like /tmp: who put a model there? */
static void test_stops_where_anybody_writes(void) {
  make("open", 01777);
  make("open/models", 0755);
  make("open/mine", 0700);
  touch("open/" PV_SITE_MODEL);
  EXPECT(pv_site_find(&arena, at("open/mine/c.yaml"), &site, &err) == PV_OK);
  EXPECT_STR(site.root, at("open/mine"));
  EXPECT_STR(site.runs, at("open/mine"));
  EXPECT(site.home == NULL && site.repository == NULL);
  EXPECT_STR(site.root_why, ".: the contract's folder; .. may be written by anybody");
  EXPECT(pv_site_find(&arena, at("open/c.yaml"), &site, &err) == PV_OK);
  EXPECT(site.home == NULL && site.runs == NULL);
  EXPECT_STR(site.root, at("open"));
  EXPECT_HAS(site.root_why, "; . may be written by anybody");
}

/* The default model is not taken from a folder that is not to be trusted, though it is `root`. */
static void test_no_model_of_a_stranger(void) {
  const char *model = "unset";
  EXPECT(pv_site_find(&arena, at("open/c.yaml"), &site, &err) == PV_OK);
  EXPECT(pv_site_model(&arena, &site, NULL, &model, &err) == PV_OK);
  EXPECT(model == NULL);
  EXPECT(pv_site_model(&arena, &site, at("open/" PV_SITE_MODEL), &model, &err) == PV_OK);
  EXPECT(model != NULL);
}

static void test_stops_at_another_owner(void) {
  const bool may = geteuid() == 0;
  make("theirs", 0755);
  make("theirs/models", 0755);
  make("theirs/mine", 0755);
  touch("theirs/" PV_SITE_MODEL);
  if (may) EXPECT(chown(folder_path("theirs"), 12345, (gid_t)-1) == 0);
  const char *contract = may ? at("theirs/mine/c.yaml") : "/usr/c.yaml";
  EXPECT(pv_site_find(&arena, contract, &site, &err) == PV_OK);
  EXPECT_STR(site.root, may ? at("theirs/mine") : "/usr");
  EXPECT(site.home == NULL);
  EXPECT_HAS(site.root_why, may ? "; .. belongs to another user" : "; . belongs to another user");
  if (!may) return;
  EXPECT(setenv("SUDO_UID", "12345", 1) == 0);
  EXPECT(pv_site_find(&arena, contract, &site, &err) == PV_OK);
  EXPECT_STR(site.root, at("theirs"));
  unsetenv("SUDO_UID");
  /* A repository of theirs, once the user's own git says that it is safe. */
  make("theirs/.git", 0755);
  touch("gitconfig");
  EXPECT(setenv("GIT_CONFIG_GLOBAL", folder_path("gitconfig"), 1) == 0);
  EXPECT(pv_site_find(&arena, contract, &site, &err) == PV_OK);
  EXPECT(site.repository == NULL);
  folder_write("gitconfig", pv_arena_printf(&arena, "[safe]\n\tdirectory = %s\n", at("theirs")));
  EXPECT(pv_site_find(&arena, contract, &site, &err) == PV_OK);
  EXPECT_STR(site.repository, at("theirs"));
  unsetenv("GIT_CONFIG_GLOBAL");
}

static void test_stops_at_another_file_system(void) {
  EXPECT(pv_site_find(&arena, "/proc/sys/c.yaml", &site, &err) == PV_OK);
  EXPECT(strcmp(site.root, "/") != 0);
  EXPECT_HAS(site.root_why,
             geteuid() == 0 ? "../.. is on another file system" : ". belongs to another user");
}

/* Nothing is written into an installation, though it could be, but where pv is called. */
static void test_installed(void) {
  char *before = getcwd(NULL, 0);
  make("usr", 0755);
  make("usr/share", 0755);
  make("usr/share/pv-contracts", 0755);
  make("usr/share/pv-contracts/models", 0755);
  make("usr/share/pv-contracts/contracts", 0755);
  make("work", 0755);
  const char *contract = at("usr/share/pv-contracts/contracts/c.yaml");
  EXPECT(before != NULL && chdir(folder_path("work")) == 0);
  EXPECT(pv_site_find(&arena, contract, &site, &err) == PV_OK);
  EXPECT_STR(site.root, at("usr/share/pv-contracts"));
  EXPECT_STR(site.home, at("usr/share/pv-contracts"));
  EXPECT_STR(site.runs, at("work"));
  EXPECT(chdir(folder_path("open")) == 0);
  EXPECT(pv_site_find(&arena, contract, &site, &err) == PV_OK);
  EXPECT(site.runs == NULL);
  EXPECT_STR(site.runs_why, "nor in the working folder, which may be written by anybody");
  EXPECT(before != NULL && chdir(before) == 0);
  free(before);
}

static void test_above(void) {
  const char *found = NULL;
  EXPECT(pv_site_above(&arena, at("contracts/deep"), "models/tiny.reference", &found, &err) ==
         PV_OK);
  EXPECT_STR(found, at("models/tiny.reference"));
  EXPECT(pv_site_above(&arena, at("open/mine"), PV_SITE_MODEL, &found, &err) == PV_OK);
  EXPECT(found == NULL);
  EXPECT(pv_site_above(&arena, at("repo/sub"), "models/tiny.reference", &found, &err) == PV_OK);
  EXPECT(found == NULL);
  EXPECT(pv_site_above(&arena, at("no/such/folder"), "x", &found, &err) == PV_OK);
  EXPECT(found == NULL);
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
  const int code = pv_testing_main("site", (pv_case[]){PV_CASE(test_root_is_above),
                                                       PV_CASE(test_without_models),
                                                       PV_CASE(test_stops_at_the_repository),
                                                       PV_CASE(test_stops_where_anybody_writes),
                                                       PV_CASE(test_no_model_of_a_stranger),
                                                       PV_CASE(test_stops_at_another_owner),
                                                       PV_CASE(test_stops_at_another_file_system),
                                                       PV_CASE(test_installed),
                                                       PV_CASE(test_above),
                                                       PV_CASE(test_model),
                                                       PV_CASE(test_reference),
                                                       PV_CASE(test_command),
                                                       PV_CASE(test_run_id),
                                                       {0}});
  pv_arena_free(&arena);
  folder_remove();
  return code;
}
