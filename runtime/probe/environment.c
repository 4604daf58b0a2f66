#include "runtime/probe/environment.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/json.h"
#include "base/sha256.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/images.h"
#include "kernels/vulkan/device.h"
#include "kernels_digest.h"
#include "runtime/forward/backend.h"
#include "runtime/reference/reference.h"

static void cpu_name(char *out, size_t room) {
  char line[256];
  FILE *f = fopen("/proc/cpuinfo", "r");
  snprintf(out, room, "unknown");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
    snprintf(out, room, "%s", colon + 2);
    out[strcspn(out, "\n")] = '\0';
    break;
  }
  if (f != NULL) fclose(f);
}

/* The device is opened, described and closed: the driver's context goes with it. */
static void describe_device(json_t **out) {
  pv_gpu *gpu = NULL;
  pv_gpu_info info;
  pv_error err = PV_ERROR_INIT;
  pv_code code = pv_gpu_cuda.open(0, &gpu, &err);
  if (code == PV_OK) code = pv_gpu_cuda.info(gpu, &info, &err);
  if (code == PV_ERR_NOMEM) pv_json_set(out, "device", NULL); /* that is no word about it */
  if (code == PV_OK) pv_json_set(out, "device", pv_json_string(info.name));
  pv_json_set(out, "cuda", pv_json_string(code == PV_OK ? info.driver : err.message));
  if (code == PV_OK) pv_json_set(out, "cuda_code", pv_json_string(info.code));
  if (gpu != NULL) pv_gpu_cuda.close(gpu);
}

/* The device that the side vulkan would take; it is not opened. Where CUDA has none, a GPU is the
 * one that evidence is of. */
static void describe_vulkan(json_t **out) {
  char text[3 * PV_VULKAN_NAME];
  pv_vulkan *vulkan = NULL;
  pv_vulkan_about about;
  pv_error err = PV_ERROR_INIT;
  size_t index = 0;
  pv_code code = pv_vulkan_open(&vulkan, &err);
  if (code == PV_OK) code = pv_vulkan_choose(vulkan, PV_VULKAN_ANY, &index, &err);
  if (code == PV_OK) {
    pv_vulkan_describe(vulkan, index, &about);
    snprintf(text, sizeof text, "%s (%s), Vulkan %u.%u.%u, %s", about.name,
             about.software ? "software, no GPU" : about.type, about.major, about.minor,
             about.patch, about.driver);
    if (!about.software && json_object_get(*out, "device") == NULL)
      pv_json_set(out, "device", pv_json_string(about.name));
  }
  pv_vulkan_close(vulkan);
  if (code == PV_ERR_NOMEM) pv_json_set(out, "vulkan", NULL); /* that is no word about it */
  pv_json_set(out, "vulkan", pv_json_string(code == PV_OK ? text : err.message));
}

/* Over the words of every sound shader. */
static void describe_spirv(json_t **out) {
  size_t count = 0;
  const pv_vulkan_module *modules = pv_vulkan_modules(&count);
  char digest[PV_SHA256_HEX];
  pv_sha256 *hash = count > 0 ? pv_sha256_new() : NULL;
  if (count == 0) return;
  for (size_t i = 0; hash != NULL && i < count * PV_VULKAN_SUBNORMALS; i++) {
    const pv_vulkan_module *m = &modules[i / PV_VULKAN_SUBNORMALS];
    const pv_vulkan_code *code = &m->code[i % PV_VULKAN_SUBNORMALS];
    if (m->fault == NULL) pv_sha256_add(hash, code->words, code->bytes);
  }
  const bool made = hash != NULL && pv_sha256_finish(hash, digest, NULL) == PV_OK;
  pv_json_set(out, "spirv_sha256", made ? json_string(digest) : NULL);
}

/* Over the text of every module that is embedded: what the kernels are, whatever their sources say
 * beside it. A build without the toolkit has none, and says nothing. */
static void describe_ptx(json_t **out) {
  size_t count = 0;
  const pv_cuda_module *modules = pv_cuda_modules(&count);
  char digest[PV_SHA256_HEX];
  pv_sha256 *hash = count > 0 ? pv_sha256_new() : NULL;
  if (count == 0) return;
  for (size_t i = 0; hash != NULL && i < count; i++) {
    pv_sha256_add(hash, modules[i].name, strlen(modules[i].name) + 1);
    pv_sha256_add(hash, &modules[i].target, sizeof modules[i].target);
    pv_sha256_add(hash, modules[i].ptx, modules[i].ptx_bytes + 1);
  }
  const bool made = hash != NULL && pv_sha256_finish(hash, digest, NULL) == PV_OK;
  pv_json_set(out, "ptx_sha256", made ? json_string(digest) : NULL);
}

json_t *pv_environment(unsigned threads, uint64_t memory) {
  char text[512], digest[PV_SHA256_HEX];
  struct utsname name;
  json_t *out = json_object();
  cpu_name(text, sizeof text);
  pv_json_set(&out, "cpu", pv_json_string(text));
  if (uname(&name) == 0) {
    snprintf(text, sizeof text, "%s %s %s", name.sysname, name.release, name.machine);
    pv_json_set(&out, "os", pv_json_string(text));
  }
  snprintf(text, sizeof text, "%u", threads);
  pv_json_set(&out, "threads", pv_json_string(text));
  snprintf(text, sizeof text, "%llu", (unsigned long long)memory);
  if (memory > 0) pv_json_set(&out, "memory_limit", pv_json_string(text));
  pv_json_set(&out, "cpu_path", pv_json_string(pv_cpu_path_get(NULL)->name));
#ifdef __clang__
  pv_json_set(&out, "compiler", pv_json_string("clang " __clang_version__));
#else
  pv_json_set(&out, "compiler", pv_json_string("gcc " __VERSION__));
#endif
  describe_device(&out);
  pv_json_set(&out, "kernels_sha256", pv_json_string(PV_KERNELS_SHA256));
  describe_ptx(&out);
  describe_vulkan(&out);
  if (json_object_get(out, "device") == NULL) pv_json_set(&out, "device", pv_json_string("none"));
  describe_spirv(&out);
  const pv_code made = pv_reference_builtin_digest(digest, NULL);
  pv_json_set(&out, "builtin_prompts_sha256", made == PV_OK ? json_string(digest) : NULL);
  const pv_code code = pv_sha256_file("/proc/self/exe", digest, NULL);
  if (code == PV_OK || code == PV_ERR_NOMEM)
    pv_json_set(&out, "probe_sha256", code == PV_OK ? json_string(digest) : NULL);
  pv_json_set(&out, "probe_version", pv_json_string(PV_VERSION));
  return out;
}

json_t *pv_environment_numerics(void) {
  json_t *out = json_object();
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    pv_json_set(&out, pv_numerics_name((pv_numerics)i),
                pv_json_string(pv_numerics_identity((pv_numerics)i)));
  return out;
}
