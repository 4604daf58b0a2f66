/* A device of any make behind Vulkan: the shaders of kernels/vulkan in the place of the kernels
 * that they stand beside. What is queued is handed over when somebody waits for it, or when the
 * memory for its arguments or for what is copied is used up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "kernels/cuda/kernels.h"
#include "kernels/vulkan/prove.h"
#include "runtime/forward/gpu_devices.h"
#include "runtime/forward/gpu_notes.h"
#include "runtime/forward/gpu_shaders.h"

enum {
  ALIGNMENT = 256,
  ARGUMENT = 512, /* bytes for that of a launch */
  AT_ONCE = 512   /* launches that are handed over together at most */
};
#define STAGING     (UINT64_C(8) << 20)
#define BY_SOFTWARE (UINT64_C(1) << 18) /* groups that the CPU ends within the device's minute */

typedef struct room { /* memory that somebody asked for: of `memory`, from an aligned address on */
  pv_vulkan_memory memory;
  uint64_t address, bytes;
} room;

typedef struct kept { /* a sequence of launches, as the device has it */
  bool tried;
  pv_vulkan_sequence sequence; /* NULL: it is too much at once */
} kept;

typedef struct compiled { /* a shader's row, as compiled for a variant */
  int shader;
  uint32_t variant;
  pv_vulkan_pipeline pipeline;
} compiled;

typedef struct device {
  pv_gpu base;
  pv_vulkan *vulkan;
  pv_vulkan_device *device;
  pv_vulkan_about about;
  room *rooms; /* by address in no order */
  size_t room_count;
  pv_vulkan_memory staging, arguments; /* of the host */
  uint64_t counters;                   /* of the device: PV_GPU_COUNTERS words that are zeros */
  uint64_t staged;                     /* bytes of it, and launches, since */
  size_t launches;
  uint64_t groups, most; /* of them; so many are handed over together */
  bool begun;            /* something is queued that was not handed over */
  compiled *made;
  size_t made_count;
  int shaders[PV_GPU_KERNEL_COUNT]; /* of each kernel: its row among the shaders, or -1 */
  uint64_t *stamps;                 /* by their numbers, in ticks */
  size_t stamp_room;
  size_t stamped[PV_VULKAN_STAMPED]; /* the numbers of those that are queued */
  uint32_t stamped_count;
  pv_gpu_notes notes;
  kept sequences[PV_GPU_SEQUENCES_MAX]; /* of the notes */
  pv_cuda_gemv product; /* the argument of the last launch, if it was one; else zeros */
} device;

static void vulkan_close(pv_gpu *gpu) {
  device *d = (device *)gpu;
  for (size_t i = 0; i < d->made_count; i++) pv_vulkan_discard(d->device, &d->made[i].pipeline);
  for (size_t i = 0; i < d->room_count; i++) pv_vulkan_release(d->device, &d->rooms[i].memory);
  if (d->device != NULL) {
    pv_vulkan_release(d->device, &d->staging);
    pv_vulkan_release(d->device, &d->arguments);
  }
  pv_vulkan_device_close(d->device);
  pv_vulkan_close(d->vulkan);
  pv_gpu_notes_free(&d->notes);
  free(d->made);
  free(d->rooms);
  free(d->stamps);
  free(d);
}

static pv_code vulkan_info(pv_gpu *gpu, pv_gpu_info *out, pv_error *err) {
  const device *d = (const device *)gpu;
  const uint64_t bytes = pv_vulkan_device_bytes(d->device);
  (void)err;
  /* Shared memory is declared by the shaders: what a launch would ask for is no limit. */
  *out = (pv_gpu_info){.processors = 1, .shared = UINT32_MAX, .memory = bytes, .free_ = bytes};
  (void)snprintf(out->name, sizeof out->name, "%.127s", d->about.name);
  (void)snprintf(out->driver, sizeof out->driver, "Vulkan %u.%u.%u, %.40s", d->about.major % 100,
                 d->about.minor % 100, d->about.patch % 10000, d->about.driver);
  (void)snprintf(out->code, sizeof out->code, "SPIR-V");
  return PV_OK;
}

static pv_code begin(device *d, pv_error *err) {
  const pv_code code = d->begun ? PV_OK : pv_vulkan_begin(d->device, err);
  d->begun = code == PV_OK;
  return code;
}

/* Hands over what is queued and waits for it. */
static pv_code flush(device *d, pv_error *err) {
  double seconds = 0;
  if (!d->begun) return PV_OK;
  d->begun = false;
  d->staged = 0;
  d->launches = 0;
  d->groups = 0;
  d->product = (pv_cuda_gemv){0};
  const pv_code code = pv_vulkan_finish(d->device, &seconds, err);
  for (uint32_t i = 0; i < d->stamped_count; i++)
    d->stamps[d->stamped[i]] = pv_vulkan_stamp_of(d->device, i);
  d->stamped_count = 0;
  return code;
}

static pv_code vulkan_finish(pv_gpu *gpu, pv_error *err) {
  return flush((device *)gpu, err);
}

static pv_code vulkan_alloc(pv_gpu *gpu, uint64_t bytes, uint64_t *out, pv_error *err) {
  device *d = (device *)gpu;
  uint64_t padded = 0;
  if (!pv_ck_add(bytes, UINT64_C(2) * ALIGNMENT, &padded))
    return pv_error_set(err, PV_ERR_LIMIT, "a buffer of the device is too large");
  room *rooms = realloc(d->rooms, (d->room_count + 1) * sizeof *rooms);
  if (rooms == NULL) return pv_error_nomem(err, "the device's memory");
  d->rooms = rooms;
  room *r = &rooms[d->room_count];
  *r = (room){.bytes = bytes};
  pv_code code =
      pv_vulkan_allocate(d->device, padded / ALIGNMENT * ALIGNMENT, false, &r->memory, err);
  if (code != PV_OK) return code;
  d->room_count++;
  r->address = (r->memory.address + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  code = begin(d, err);
  if (code != PV_OK) return code;
  pv_vulkan_clear(d->device, &r->memory);
  *out = r->address;
  return PV_OK;
}

static pv_code open_device(const pv_gpu_ops *ops, int wanted, pv_gpu **out, pv_error *err) {
  size_t index = 0;
  device *d = calloc(1, sizeof *d);
  if (d == NULL) return pv_error_nomem(err, "a Vulkan device");
  d->base.ops = ops;
  pv_code code = pv_vulkan_open(&d->vulkan, err);
  if (code == PV_OK) code = pv_vulkan_choose(d->vulkan, wanted, &index, err);
  if (code == PV_OK) code = pv_vulkan_prove_once(d->vulkan, index, err);
  if (code == PV_OK) {
    pv_vulkan_describe(d->vulkan, index, &d->about);
    d->most = d->about.software ? BY_SOFTWARE : UINT64_MAX;
    code = pv_vulkan_device_open(d->vulkan, index, &d->device, err);
  }
  if (code == PV_OK) code = pv_vulkan_allocate(d->device, STAGING, true, &d->staging, err);
  if (code == PV_OK)
    code = pv_vulkan_allocate(d->device, AT_ONCE * ARGUMENT, true, &d->arguments, err);
  if (code == PV_OK)
    code = vulkan_alloc(&d->base, PV_GPU_COUNTERS * sizeof(uint32_t), &d->counters, err);
  if (code == PV_OK)
    *out = &d->base;
  else
    vulkan_close(&d->base);
  return code;
}

/* Where an address lies in a buffer; NULL: in none, with as many bytes. */
static const pv_vulkan_memory *memory_at(const device *d, uint64_t address, uint64_t bytes,
                                         uint64_t *offset) {
  for (size_t i = 0; i < d->room_count; i++) {
    const room *r = &d->rooms[i];
    if (address < r->address || !pv_ck_range(address - r->address, bytes, r->bytes)) continue;
    *offset = address - r->memory.address;
    return &r->memory;
  }
  return NULL;
}

static pv_code no_memory_at(uint64_t bytes, pv_error *err) {
  return pv_error_set(err, PV_ERR_INTERNAL, "%llu bytes lie in no buffer of the device",
                      (unsigned long long)bytes);
}

static pv_code vulkan_upload(pv_gpu *gpu, uint64_t to, const void *from, uint64_t bytes,
                             pv_error *err) {
  device *d = (device *)gpu;
  uint64_t offset = 0;
  const pv_vulkan_memory *memory = memory_at(d, to, bytes, &offset);
  pv_code code = memory != NULL ? PV_OK : no_memory_at(bytes, err);
  for (uint64_t done = 0; code == PV_OK && done < bytes;) {
    if (d->staged == STAGING) code = flush(d, err);
    if (code == PV_OK) code = begin(d, err);
    if (code != PV_OK) break;
    const uint64_t left = bytes - done, space = STAGING - d->staged;
    const uint64_t n = left < space ? left : space;
    memcpy((char *)d->staging.mapped + d->staged, (const char *)from + done, n);
    pv_vulkan_copy(d->device, &d->staging, d->staged, memory, offset + done, n);
    d->staged += n;
    done += n;
  }
  return code;
}

static pv_code vulkan_download(pv_gpu *gpu, void *to, uint64_t from, uint64_t bytes,
                               pv_error *err) {
  device *d = (device *)gpu;
  uint64_t offset = 0;
  const pv_vulkan_memory *memory = memory_at(d, from, bytes, &offset);
  pv_code code = memory != NULL ? PV_OK : no_memory_at(bytes, err);
  for (uint64_t done = 0; code == PV_OK && done < bytes;) {
    if (d->staged == STAGING) code = flush(d, err);
    if (code == PV_OK) code = begin(d, err);
    if (code != PV_OK) break;
    const uint64_t at = d->staged, left = bytes - done, space = STAGING - at;
    const uint64_t n = left < space ? left : space;
    pv_vulkan_copy(d->device, memory, offset + done, &d->staging, at, n);
    code = flush(d, err);
    if (code == PV_OK) memcpy((char *)to + done, (const char *)d->staging.mapped + at, n);
    done += n;
  }
  return code;
}

/* Also a kernel without a shader has a number: it is refused when it is launched. */
static pv_code vulkan_find(pv_gpu *gpu, const char *kernel, unsigned *out, pv_error *err) {
  device *d = (device *)gpu;
  for (unsigned i = 0; i < PV_GPU_KERNEL_COUNT; i++) {
    if (strcmp(pv_kernel_get((pv_gpu_kernel)i)->name, kernel) != 0) continue;
    d->shaders[i] = pv_gpu_shader_find(kernel);
    *out = i;
    return PV_OK;
  }
  return pv_error_set(err, PV_ERR_UNSUPPORTED, "there is no kernel '%.60s'", kernel);
}

/* A shader is compiled when it is launched for the first time. */
static pv_code compile(device *d, int shader, uint32_t variant, pv_vulkan_pipeline *out,
                       pv_error *err) {
  size_t count = 0;
  for (size_t i = 0; i < d->made_count; i++) {
    *out = d->made[i].pipeline;
    if (d->made[i].shader == shader && d->made[i].variant == variant) return PV_OK;
  }
  const char *name = pv_gpu_shaders(&count)[shader].shader;
  const pv_vulkan_module *module = pv_vulkan_module_find(name);
  if (module == NULL) return pv_error_set(err, PV_ERR_INTERNAL, "there is no shader %s", name);
  compiled *more = realloc(d->made, (d->made_count + 1) * sizeof *more);
  if (more == NULL) return pv_error_nomem(err, "the device's shaders");
  d->made = more;
  const pv_code code = pv_vulkan_compile(d->device, module, variant, out, err);
  if (code == PV_OK) more[d->made_count++] = (compiled){shader, variant, *out};
  return code;
}

/* What a launch becomes. */
typedef struct work {
  pv_vulkan_pipeline pipeline;
  pv_gpu_groups over;
  bool beside; /* it may begin with the launch before */
} work;

/* Products of one input, into places of their own; what the one before makes of a norm is no input
 * of the other. */
static bool is_beside(device *d, const pv_gpu_launch *l) {
  static const pv_cuda_gemv none;
  const pv_cuda_gemv last = d->product;
  d->product = l->kernel == PV_GPU_gemv ? *(const pv_cuda_gemv *)l->args : none;
  const pv_cuda_gemv *p = &d->product;
  return !l->apart && p->jobs > 0 && last.jobs > 0 && p->acts.x == last.acts.x &&
         p->acts.q == last.acts.q && p->norm.x == last.norm.x && p->add == 0 && last.add == 0 &&
         p->job[0].out != last.job[0].out;
}

static pv_code prepare(device *d, const pv_gpu_launch *l, work *out, pv_error *err) {
  const char *kernel = pv_kernel_get((pv_gpu_kernel)l->kernel)->name;
  const int number = d->shaders[l->kernel];
  size_t count = 0;
  *out = (work){0};
  if (number < 0)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "Vulkan has no shader for the kernel %s", kernel);
  const pv_gpu_shader *shader = &pv_gpu_shaders(&count)[number];
  const char *beyond = shader->shape(l, &out->over);
  if (beyond != NULL)
    return pv_error_set(err, PV_ERR_UNSUPPORTED, "Vulkan's shader %s does not take %s",
                        shader->shader, beyond);
  if (out->over.x > PV_GPU_GROUPS_MAX || out->over.rows > PV_GPU_GROUPS_MAX ||
      l->arg_bytes > ARGUMENT)
    return pv_error_set(err, PV_ERR_LIMIT, "Vulkan's shader %s does not take so much at once",
                        shader->shader);
  out->beside = is_beside(d, l);
  if (out->over.x == 0) return PV_OK;
  return compile(d, number, out->over.variant, &out->pipeline, err);
}

static void launch(device *d, const work *w, uint64_t argument) {
  const uint64_t pushed[] = {argument, d->counters}; /* as stages.glsl has it */
  if (w->over.x > 0)
    pv_vulkan_launch(d->device, &w->pipeline, pushed, sizeof pushed, (uint32_t)w->over.x,
                     (uint32_t)w->over.rows, w->beside);
}

static bool vulkan_takes(const pv_gpu_launch *l) {
  size_t count = 0;
  pv_gpu_groups over = {0};
  const int number = pv_gpu_shader_find(pv_kernel_get((pv_gpu_kernel)l->kernel)->name);
  return number >= 0 && pv_gpu_shaders(&count)[number].shape(l, &over) == NULL;
}

static pv_code vulkan_run(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  device *d = (device *)gpu;
  work w;
  pv_code code = d->launches == AT_ONCE || d->groups >= d->most ? flush(d, err) : PV_OK;
  if (code == PV_OK) code = prepare(d, l, &w, err);
  if (code == PV_OK) code = begin(d, err);
  if (code != PV_OK) return code;
  const uint64_t at = d->launches++ * ARGUMENT;
  d->groups += w.over.x * w.over.rows;
  memcpy((char *)d->arguments.mapped + at, l->args, l->arg_bytes);
  launch(d, &w, d->arguments.address + at);
  return PV_OK;
}

static pv_code vulkan_launch(pv_gpu *gpu, const pv_gpu_launch *l, pv_error *err) {
  device *d = (device *)gpu;
  return d->notes.recording ? pv_gpu_notes_add(&d->notes, l, err) : vulkan_run(gpu, l, err);
}

static pv_code vulkan_record(pv_gpu *gpu, pv_error *err) {
  return pv_gpu_notes_begin(&((device *)gpu)->notes, err);
}

static pv_code vulkan_recorded(pv_gpu *gpu, unsigned *sequence, pv_error *err) {
  (void)err;
  *sequence = pv_gpu_notes_end(&((device *)gpu)->notes);
  return PV_OK;
}

/* The arguments of a sequence, where the device has them near. */
static pv_code store_arguments(device *d, const pv_gpu_note *notes, size_t count, uint64_t *out,
                               pv_error *err) {
  pv_code code = vulkan_alloc(&d->base, count * ARGUMENT, out, err);
  for (size_t i = 0; i < count && code == PV_OK; i++)
    code = notes[i].launch.arg_bytes > ARGUMENT
               ? pv_error_set(err, PV_ERR_LIMIT, "the argument of a launch is too large")
               : vulkan_upload(&d->base, *out + i * ARGUMENT, notes[i].args,
                               notes[i].launch.arg_bytes, err);
  return code;
}

/* Once for each sequence. One that a device of software might not end in time is not kept. */
static pv_code keep(device *d, unsigned sequence, pv_error *err) {
  kept *k = &d->sequences[sequence];
  const pv_gpu_note *notes = &d->notes.items[d->notes.first[sequence]];
  const size_t count = d->notes.first[sequence + 1] - d->notes.first[sequence];
  uint64_t arguments = 0, groups = 0;
  work w;
  pv_code code = store_arguments(d, notes, count, &arguments, err);
  if (code == PV_OK) code = pv_vulkan_keep(d->device, err);
  if (code != PV_OK) return code;
  d->product = (pv_cuda_gemv){0};
  for (size_t i = 0; i < count && code == PV_OK; i++) {
    code = prepare(d, &notes[i].launch, &w, err);
    if (code != PV_OK) break;
    groups += w.over.x * w.over.rows;
    launch(d, &w, arguments + i * ARGUMENT);
  }
  d->product = (pv_cuda_gemv){0};
  pv_vulkan_sequence made = NULL;
  const pv_code ended = pv_vulkan_kept(d->device, &made, code == PV_OK ? err : NULL);
  k->tried = code == PV_OK && ended == PV_OK;
  if (k->tried && groups <= d->most) k->sequence = made;
  return code != PV_OK ? code : ended;
}

static pv_code vulkan_replay(pv_gpu *gpu, unsigned sequence, pv_error *err) {
  device *d = (device *)gpu;
  const kept *k = &d->sequences[sequence];
  pv_code code = k->tried ? PV_OK : keep(d, sequence, err);
  if (code == PV_OK && k->sequence == NULL)
    return pv_gpu_notes_replay(&d->notes, sequence, gpu, vulkan_run, err);
  if (code == PV_OK) code = begin(d, err);
  if (code == PV_OK) pv_vulkan_repeat(d->device, k->sequence);
  return code;
}

static pv_code vulkan_stamp(pv_gpu *gpu, size_t number, pv_error *err) {
  device *d = (device *)gpu;
  if (number >= d->stamp_room) {
    const size_t wanted = 2 * number + PV_VULKAN_STAMPED;
    uint64_t *more = realloc(d->stamps, wanted * sizeof *more);
    if (more == NULL) return pv_error_nomem(err, "times of launches");
    d->stamps = more;
    d->stamp_room = wanted;
  }
  pv_code code = d->stamped_count == PV_VULKAN_STAMPED ? flush(d, err) : PV_OK;
  if (code == PV_OK) code = begin(d, err);
  if (code != PV_OK) return code;
  pv_vulkan_stamp(d->device);
  d->stamped[d->stamped_count++] = number;
  return PV_OK;
}

static pv_code vulkan_between(pv_gpu *gpu, size_t from, size_t to, double *seconds, pv_error *err) {
  const device *d = (const device *)gpu;
  (void)err;
  *seconds = pv_vulkan_seconds(d->device, d->stamps[from], d->stamps[to]);
  return PV_OK;
}

#define DEVICE(NAME, number)                                                 \
  static pv_code NAME##_open(unsigned unused, pv_gpu **out, pv_error *err) { \
    (void)unused;                                                            \
    return open_device(&pv_gpu_##NAME, number, out, err);                    \
  }                                                                          \
  const pv_gpu_ops pv_gpu_##NAME = {.name = #NAME,                           \
                                    .takes = vulkan_takes,                   \
                                    .open = NAME##_open,                     \
                                    .close = vulkan_close,                   \
                                    .info = vulkan_info,                     \
                                    .alloc = vulkan_alloc,                   \
                                    .upload = vulkan_upload,                 \
                                    .download = vulkan_download,             \
                                    .find = vulkan_find,                     \
                                    .launch = vulkan_launch,                 \
                                    .finish = vulkan_finish,                 \
                                    .record = vulkan_record,                 \
                                    .recorded = vulkan_recorded,             \
                                    .replay = vulkan_replay,                 \
                                    .stamp = vulkan_stamp,                   \
                                    .between = vulkan_between};
DEVICE(vulkan, PV_VULKAN_ANY)
DEVICE(vulkan0, 0)
DEVICE(vulkan1, 1)
