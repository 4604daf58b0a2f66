/* The machine: modules, kernels, memory, launches. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/ck.h"
#include "base/pool.h"
#include "kernels/ptx/decode.h"
#include "kernels/ptx/watch.h"

enum { KERNELS_MAX = 256, MODULES_MAX = 256, THREADS_MAX = 1024, RESIDENT_MAX = 4096, LINE = 64 };
#define SHARED_MAX (256u << 10)

struct pv_ptx_machine {
  pv_arena arena; /* modules and kernels */
  pv_ptx_module *modules[MODULES_MAX];
  size_t module_count;
  const pv_ptx_code *kernels[KERNELS_MAX];
  unsigned kernel_count;
  bool permits; /* what is not defined bit for bit */
  pv_ptx_memory memory;
  pv_pool *pool;
  pv_ptx_block *blocks; /* one for each thread */
  pv_ptx_log log;
  uint64_t executed;   /* by blocks that are gone */
  pv_ptx_watch *watch; /* of the last launch, if it observed */
  bool failed;
  pv_ptx_fault fault;
};

static void free_block(pv_ptx_block *b) {
  free(b->memory);
  free(b->touched);
  free(b->strong);
  b->memory = NULL;
  b->touched = b->strong = NULL;
  b->room = b->touched_room = 0;
}

pv_code pv_ptx_machine_open(unsigned threads, pv_ptx_machine **out, pv_error *err) {
  pv_ptx_machine *m = calloc(1, sizeof *m);
  if (m == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for the PTX machine");
  pthread_mutex_init(&m->log.lock, NULL);
  const pv_code code = pv_pool_open(threads, &m->pool, err);
  if (code == PV_OK) m->blocks = calloc(pv_pool_threads(m->pool), sizeof *m->blocks);
  if (code != PV_OK || m->blocks == NULL) {
    pv_ptx_machine_close(m);
    return code != PV_OK ? code
                         : pv_error_set(err, PV_ERR_NOMEM, "out of memory for the PTX machine");
  }
  *out = m;
  return PV_OK;
}

static void forget(pv_ptx_machine *m) {
  for (uint32_t i = 0; i < m->memory.count; i++) {
    free(m->memory.buffers[i].words);
    m->memory.buffers[i].words = NULL;
  }
  pv_ptx_watch_close(m->watch);
  m->watch = NULL;
}

void pv_ptx_machine_close(pv_ptx_machine *m) {
  if (m == NULL) return;
  for (unsigned i = 0; m->blocks != NULL && i < pv_pool_threads(m->pool); i++)
    free_block(&m->blocks[i]);
  free(m->blocks);
  pv_pool_close(m->pool);
  for (uint32_t i = 0; i < m->memory.count; i++) {
    free(m->memory.buffers[i].data);
    free(m->memory.buffers[i].written);
  }
  pthread_mutex_destroy(&m->log.lock);
  forget(m);
  pv_arena_free(&m->arena);
  free(m);
}

pv_code pv_ptx_machine_load(pv_ptx_machine *m, const char *name, const char *text, size_t length,
                            pv_error *err) {
  if (m->module_count == MODULES_MAX)
    return pv_error_set(err, PV_ERR_LIMIT, "more than %d modules", MODULES_MAX);
  const char *own = pv_arena_strdup(&m->arena, name);
  if (own == NULL) return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a module");
  const pv_code code =
      pv_ptx_parse_each(&m->arena, own, text, length, &m->modules[m->module_count], err);
  if (code == PV_OK) m->module_count++;
  return code;
}

static pv_code refuse_unread(const pv_ptx_module *module, const pv_ptx_function *f, pv_error *err) {
  const pv_ptx_unread *u = f->unread;
  const char *never = pv_ptx_never(u->text);
  pv_error_set(err, PV_ERR_UNSUPPORTED, "kernel '%.60s': '%.60s': %.100s", f->name, u->text,
               never != NULL ? never : u->why);
  pv_error_at(err, module->name, u->line, u->column, -1);
  return PV_ERR_UNSUPPORTED;
}

pv_code pv_ptx_machine_find(pv_ptx_machine *m, const char *kernel, unsigned *out, pv_error *err) {
  pv_ptx_code *decoded = NULL;
  pv_error own;
  for (unsigned i = 0; i < m->kernel_count; i++)
    if (strcmp(m->kernels[i]->function->name, kernel) == 0) {
      *out = i;
      return PV_OK;
    }
  for (size_t i = 0; i < m->module_count; i++) {
    const pv_ptx_function *f = pv_ptx_kernel(m->modules[i], kernel);
    if (f == NULL) continue;
    if (f->unread != NULL) return refuse_unread(m->modules[i], f, err);
    if (m->kernel_count == KERNELS_MAX)
      return pv_error_set(err, PV_ERR_LIMIT, "more than %d kernels", KERNELS_MAX);
    const pv_code code = pv_ptx_decode(&m->arena, &m->memory, m->modules[i], f, m->permits,
                                       &decoded, err != NULL ? err : &own);
    if (code != PV_OK) return code;
    m->kernels[m->kernel_count] = decoded;
    *out = m->kernel_count++;
    return PV_OK;
  }
  return pv_error_set(err, PV_ERR_INPUT, "there is no kernel '%.100s'", kernel);
}

void pv_ptx_machine_permit(pv_ptx_machine *m) {
  m->permits = true;
}

bool pv_ptx_machine_approximates(const pv_ptx_machine *m, unsigned kernel, uint32_t *line) {
  const uint32_t at = kernel < m->kernel_count ? m->kernels[kernel]->approximates : 0;
  if (at != 0 && line != NULL) *line = at;
  return at != 0;
}

pv_code pv_ptx_machine_alloc(pv_ptx_machine *m, uint64_t bytes, uint64_t *out, pv_error *err) {
  pv_ptx_buffer *buffer = NULL;
  const pv_code code = pv_ptx_buffer_add(&m->memory, bytes, &buffer, err);
  if (code == PV_OK) *out = buffer->address;
  return code;
}

static pv_ptx_buffer *find_bytes(pv_ptx_machine *m, uint64_t address, uint64_t bytes,
                                 pv_error *err) {
  pv_ptx_buffer *b = pv_ptx_buffer_at(&m->memory, address, bytes);
  if (b == NULL)
    pv_error_set(err, PV_ERR_INPUT, "%llu bytes at 0x%llx lie in no allocation",
                 (unsigned long long)bytes, (unsigned long long)address);
  return b;
}

pv_code pv_ptx_machine_upload(pv_ptx_machine *m, uint64_t to, const void *from, uint64_t bytes,
                              pv_error *err) {
  const pv_ptx_buffer *b = find_bytes(m, to, bytes, err);
  if (b == NULL) return PV_ERR_INPUT;
  if (bytes == 0) return PV_OK;
  memcpy(b->data + (to - b->address), from, bytes);
  memset(b->written + (to - b->address), 1, bytes);
  return PV_OK;
}

pv_code pv_ptx_machine_download(pv_ptx_machine *m, void *to, uint64_t from, uint64_t bytes,
                                pv_error *err) {
  const pv_ptx_buffer *b = find_bytes(m, from, bytes, err);
  if (b == NULL) return PV_ERR_INPUT;
  if (bytes > 0) memcpy(to, b->data + (from - b->address), bytes);
  return PV_OK;
}

/* Where `bytes` are behind what is used, on a cache line of their own. */
static size_t take(size_t *used, size_t bytes) {
  const size_t at = *used;
  *used += bytes / LINE * LINE + LINE;
  return at;
}

/* Memory of one size, aligned, that is nobody's yet. */
static bool hold(pv_ptx_block *b, size_t bytes) {
  if (b->memory != NULL && bytes <= b->room) return true;
  free(b->memory);
  b->memory = aligned_alloc(LINE, bytes);
  b->room = b->memory != NULL ? bytes : 0;
  return b->memory != NULL;
}

/* What was done to `bytes` of shared memory: of earlier launches, before the clock of now. */
static bool hold_touched(pv_ptx_block *b, size_t bytes) {
  if (bytes <= b->touched_room) return true;
  free(b->touched);
  free(b->strong);
  b->touched = calloc(bytes, sizeof *b->touched);
  b->strong = calloc(bytes, sizeof *b->strong);
  b->touched_room = b->touched != NULL && b->strong != NULL ? bytes : 0;
  return b->touched_room > 0;
}

/* Memory for the blocks of a launch, one after the other. It stays for the next launch: to have its
 * pages from the system anew, and to clear them, took longer than most launches. */
static bool prepare(pv_ptx_block *b, pv_ptx_grid *grid, uint32_t warps) {
  const pv_ptx_code *code = grid->code;
  const size_t locals = (size_t)code->local_pitch * warps * PV_PTX_LANES;
  const uint32_t bytes = code->shared_bytes + grid->launch->shared;
  const size_t by = grid->watch != NULL ? bytes * sizeof *b->touched_by : 0;
  size_t used = 0;
  const size_t registers = take(&used, (size_t)code->register_bytes * warps),
               cache = take(&used, code->caches), zeros = used, touched_by = take(&used, by),
               shared = take(&used, bytes), shared_written = take(&used, bytes),
               copies = take(&used, (bytes / 4 + 1u) * sizeof *b->copies),
               local = take(&used, locals), local_written = take(&used, locals);
  if (!hold(b, used) || !hold_touched(b, bytes + 1u)) return false;
  memset(b->memory, 0, zeros);
  b->grid = grid;
  b->code = code;
  b->warp_count = warps;
  b->shared_bytes = bytes;
  b->ticked = 0;
  b->has_strong = false;
  b->registers = b->memory + registers;
  b->cache = b->memory + cache;
  b->touched_by = grid->watch != NULL ? (void *)(b->memory + touched_by) : NULL;
  b->shared = b->memory + shared;
  b->shared_written = b->memory + shared_written;
  b->copies = (void *)(b->memory + copies);
  b->local = b->memory + local;
  b->local_written = b->memory + local_written;
  return true;
}

typedef struct job {
  pv_ptx_grid *grid;
  pv_ptx_block *blocks;
} job;

/* Takes blocks until there are none, or none before one with a fault. Blocks are handed out in
 * their order, so that each before the first with a fault was run. */
static void run_blocks(void *context, size_t task, unsigned thread) {
  const job *j = context;
  pv_ptx_block *b = &j->blocks[task];
  (void)thread;
  for (;;) {
    const uint64_t position = atomic_fetch_add(&j->grid->next, 1);
    if (position >= j->grid->blocks || position > atomic_load(&j->grid->failed)) return;
    pv_ptx_block_start(b, position);
    while (pv_ptx_block_turn(b)) {
    }
    if (!b->failed) continue;
    unsigned long long lowest = atomic_load(&j->grid->failed);
    while (position < lowest &&
           !atomic_compare_exchange_weak(&j->grid->failed, &lowest, position)) {
    }
    return;
  }
}

static pv_code no_memory(const pv_ptx_grid *grid, pv_error *err) {
  return pv_error_set(err, PV_ERR_NOMEM, "out of memory for a block of '%.60s'",
                      grid->code->function->name);
}

static pv_code check_launch(const pv_ptx_machine *m, const pv_ptx_launch *l, uint64_t *blocks,
                            uint64_t *threads, pv_error *err) {
  if (l->kernel >= m->kernel_count)
    return pv_error_set(err, PV_ERR_INPUT, "there is no such kernel");
  const pv_ptx_code *code = m->kernels[l->kernel];
  bool fits = pv_ck_mul(l->grid[0], l->grid[1], blocks) && pv_ck_mul(*blocks, l->grid[2], blocks) &&
              pv_ck_mul(l->block[0], l->block[1], threads) &&
              pv_ck_mul(*threads, l->block[2], threads);
  if (!fits || *blocks == 0 || *threads == 0 || *threads > THREADS_MAX)
    return pv_error_set(err, PV_ERR_INPUT, "kernel '%.60s': a launch of this shape is not possible",
                        code->function->name);
  if (l->cooperative && *blocks > RESIDENT_MAX)
    return pv_error_set(err, PV_ERR_INPUT,
                        "kernel '%.60s': a cooperative grid of more than %d blocks",
                        code->function->name, RESIDENT_MAX);
  if (l->param_bytes != code->param_bytes)
    return pv_error_set(err, PV_ERR_INPUT, "kernel '%.60s' has %u bytes of parameters, not %zu",
                        code->function->name, code->param_bytes, l->param_bytes);
  if (l->shared > SHARED_MAX || code->shared_bytes > SHARED_MAX - l->shared)
    return pv_error_set(err, PV_ERR_INPUT, "kernel '%.60s': more than %u bytes of shared memory",
                        code->function->name, SHARED_MAX);
  return PV_OK;
}

/* Marks what may be written: of the modules' own variables those that are no constants. */
static pv_code declare_outputs(pv_ptx_machine *m, const pv_ptx_launch *l, pv_error *err) {
  for (uint32_t i = 0; i < m->memory.count; i++) {
    pv_ptx_buffer *b = &m->memory.buffers[i];
    b->writable = b->variable != NULL ? b->variable->space == PV_PTX_GLOBAL : l->outputs == NULL;
  }
  for (size_t i = 0; l->outputs != NULL && i < l->output_count; i++) {
    pv_ptx_buffer *b = find_bytes(m, l->outputs[i], 0, err);
    if (b == NULL) return PV_ERR_INPUT;
    b->writable = b->variable == NULL || b->variable->space == PV_PTX_GLOBAL;
  }
  return PV_OK;
}

/* Blocks that are handed out one after the other to the threads of the host. `*faulty`: the first
 * in the order with a fault. */
static pv_code run_apart(pv_ptx_machine *m, pv_ptx_grid *grid, uint32_t warps,
                         const pv_ptx_block **faulty, pv_error *err) {
  const unsigned pooled = grid->launch->observe ? 1 : pv_pool_threads(m->pool);
  const unsigned tasks = grid->blocks < pooled ? (unsigned)grid->blocks : pooled;
  for (unsigned i = 0; i < tasks; i++) {
    if (!prepare(&m->blocks[i], grid, warps)) return no_memory(grid, err);
    m->blocks[i].failed = false;
  }
  job j = {grid, m->blocks};
  pv_pool_run(m->pool, run_blocks, &j, tasks);
  const uint64_t lowest = atomic_load(&grid->failed);
  for (unsigned i = 0; i < tasks && lowest != UINT64_MAX; i++)
    if (m->blocks[i].failed && m->blocks[i].position == lowest) *faulty = &m->blocks[i];
  return PV_OK;
}

/* The words where a cooperative grid meets, zeros. */
static pv_code find_workspace(pv_ptx_machine *m, uint64_t *out, pv_error *err) {
  static const pv_ptx_variable workspace = {.name = "workspace of a cooperative grid",
                                            .space = PV_PTX_GLOBAL,
                                            .type = PV_PTX_B32,
                                            .bytes = 256,
                                            .align = 256};
  const pv_ptx_module none = {.name = ""};
  const pv_code code = pv_ptx_variable_address(&m->memory, &none, &workspace, out, err);
  const pv_ptx_buffer *b = code == PV_OK ? pv_ptx_buffer_at(&m->memory, *out, 256) : NULL;
  if (b != NULL) memset(b->data, 0, b->bytes);
  return code;
}

/* All blocks are resident and take turns on one thread of the host: the fault that comes first is
 * the same each time. */
static pv_code run_together(pv_ptx_machine *m, pv_ptx_grid *grid, uint32_t warps,
                            pv_ptx_block **all, const pv_ptx_block **faulty, pv_error *err) {
  uint64_t alive = grid->blocks;
  bool *ended = NULL;
  pv_code code = PV_OK;
  *all = calloc(grid->blocks, sizeof **all);
  ended = calloc(grid->blocks, sizeof *ended);
  if (*all == NULL || ended == NULL) code = no_memory(grid, err);
  for (uint64_t i = 0; code == PV_OK && i < grid->blocks; i++) {
    if (prepare(&(*all)[i], grid, warps))
      pv_ptx_block_start(&(*all)[i], i);
    else
      code = no_memory(grid, err);
  }
  while (code == PV_OK && alive > 0 && *faulty == NULL)
    for (uint64_t i = 0; i < grid->blocks && *faulty == NULL; i++) {
      pv_ptx_block *b = &(*all)[i];
      if (ended[i] || pv_ptx_block_turn(b)) continue;
      ended[i] = true;
      alive--;
      if (b->failed) *faulty = b;
    }
  for (uint64_t i = 0; *all != NULL && i < grid->blocks; i++) {
    m->executed += (*all)[i].executed;
    free_block(&(*all)[i]);
  }
  free(ended);
  return code;
}

/* Watches what the launch may write, if it observes. */
static pv_code watch(pv_ptx_machine *m, const pv_ptx_launch *l, uint64_t blocks, pv_error *err) {
  forget(m);
  if (!l->observe) return PV_OK;
  m->watch = pv_ptx_watch_open(m->kernels[l->kernel], l, blocks);
  bool good = m->watch != NULL;
  for (uint32_t i = 0; i < m->memory.count && good; i++) {
    pv_ptx_buffer *b = &m->memory.buffers[i];
    if (!b->writable) continue;
    b->words = calloc(b->bytes / 4 + 1, sizeof *b->words);
    good = b->words != NULL;
  }
  if (!good) forget(m);
  return good ? PV_OK : pv_error_set(err, PV_ERR_NOMEM, "out of memory to observe a launch");
}

pv_code pv_ptx_machine_launch(pv_ptx_machine *m, const pv_ptx_launch *l, pv_error *err) {
  uint64_t blocks = 0, threads = 0, workspace = 0;
  const pv_ptx_block *faulty = NULL;
  pv_ptx_block *all = NULL;
  m->failed = false;
  m->log.length = 0;
  m->log.text[0] = '\0';
  pv_code code = check_launch(m, l, &blocks, &threads, err);
  if (code == PV_OK && l->cooperative) code = find_workspace(m, &workspace, err);
  if (code == PV_OK) code = declare_outputs(m, l, err);
  if (code == PV_OK) code = watch(m, l, blocks, err);
  if (code != PV_OK) return code;
  pv_ptx_grid grid = {.launch = l,
                      .code = m->kernels[l->kernel],
                      .memory = &m->memory,
                      .params = l->params,
                      .log = &m->log,
                      .blocks = blocks,
                      .watch = m->watch,
                      .workspace = workspace};
  const uint32_t warps = (uint32_t)((threads + PV_PTX_LANES - 1) / PV_PTX_LANES);
  atomic_store(&grid.failed, UINT64_MAX);
  code = l->cooperative ? run_together(m, &grid, warps, &all, &faulty, err)
                        : run_apart(m, &grid, warps, &faulty, err);
  if (code == PV_OK && m->watch != NULL && m->watch->full) {
    code =
        pv_error_set(err, PV_ERR_LIMIT, "kernel '%.60s': there is no room for all that is observed",
                     grid.code->function->name);
    pv_error_hint(err, "declare which buffers it writes, or launch fewer blocks");
  } else if (faulty != NULL) {
    m->failed = true;
    m->fault = faulty->fault;
    code = pv_error_set(err, PV_ERR_DEVICE, "%s", m->fault.text);
  }
  free(all);
  return code;
}

const pv_ptx_fault *pv_ptx_machine_fault(const pv_ptx_machine *m) {
  return m->failed ? &m->fault : NULL;
}

const char *pv_ptx_machine_printed(const pv_ptx_machine *m) {
  return m->log.text;
}

bool pv_ptx_machine_stored(const pv_ptx_machine *m, uint64_t address, pv_ptx_store *out) {
  for (uint32_t i = 0; i < m->memory.count; i++) {
    const pv_ptx_buffer *b = &m->memory.buffers[i];
    if (b->words != NULL && address >= b->address && address - b->address < b->bytes)
      return pv_ptx_watch_stored(m->watch, b, address, out);
  }
  return false;
}

uint64_t pv_ptx_machine_unwritten(const pv_ptx_machine *m, uint64_t address, uint64_t bytes) {
  for (uint32_t i = 0; i < m->memory.count; i++) {
    const pv_ptx_buffer *b = &m->memory.buffers[i];
    if (address < b->address || address - b->address > b->bytes ||
        bytes > b->bytes - (address - b->address))
      continue;
    const unsigned char *written = b->written + (address - b->address);
    const unsigned char *first = memchr(written, 0, bytes);
    return first != NULL ? (uint64_t)(first - written) : bytes;
  }
  return 0;
}

uint64_t pv_ptx_machine_instructions(const pv_ptx_machine *m) {
  uint64_t sum = m->executed;
  for (unsigned i = 0; i < pv_pool_threads(m->pool); i++) sum += m->blocks[i].executed;
  return sum;
}
