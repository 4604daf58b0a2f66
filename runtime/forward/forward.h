/* The forward of a model, in the order of its plan, over any backend. */
#ifndef PV_FORWARD_FORWARD_H
#define PV_FORWARD_FORWARD_H

#include "runtime/forward/backend.h"

typedef struct pv_forward pv_forward;

/* `backend` is "cpu", "cuda", "ptx", "vulkan", "vulkan0" or "vulkan1", or devices of cuda or ptx by
 * their numbers, over which the layers are placed, "cuda0+1", or the experts of each layer,
 * "cuda0+1/experts". One that this build or
 * machine does not have is PV_ERR_UNSUPPORTED with the reason: there is never a fallback. numerics
 * f64 exists on the CPU alone. `model` must outlive the forward. */
pv_code pv_forward_open(const pv_model *model, const char *backend, const pv_backend_config *config,
                        pv_forward **out, pv_error *err);
/* The same over a backend that is open; takes ownership of it on success. */
pv_code pv_forward_adopt(pv_backend *backend, pv_forward **out, pv_error *err);
void pv_forward_close(pv_forward *forward);

/* Runs `count` more positions in one batch (count <= config.batch) and appends them to the cache.
 * Logits exist for the last `logits` of them. A token id out of range or a
 * full cache is PV_ERR_INPUT, and nothing has changed. */
pv_code pv_forward_run(pv_forward *forward, const uint32_t *ids, size_t count, size_t logits,
                       pv_error *err);

/* The same run in single steps, for who must look between them: begin, all steps in order, end.
 * `ids` must stay valid until the end. */
bool pv_forward_next(const pv_model *model, size_t logits, pv_step *step); /* as pv_plan_next */
pv_code pv_forward_begin(pv_forward *forward, const uint32_t *ids, size_t count, size_t logits,
                         pv_error *err);
pv_code pv_forward_step(pv_forward *forward, pv_step step, pv_error *err);
void pv_forward_end(pv_forward *forward);

/* Rows of the last batch, as pv_backend_ops.read. */
pv_code pv_forward_read(pv_forward *forward, pv_stage_id stage, size_t row, size_t rows, void *out,
                        pv_error *err);

/* As pv_backend_ops.meter; PV_ERR_UNSUPPORTED, by its name, for a backend that has none. */
pv_code pv_forward_meter(pv_forward *forward, const pv_meter *meter, pv_error *err);

size_t pv_forward_position(const pv_forward *forward);        /* positions in the cache */
void pv_forward_rewind(pv_forward *forward, size_t position); /* forgets later positions */
const pv_backend *pv_forward_who(const pv_forward *forward);  /* who really computes */
const char *pv_forward_backend(const pv_forward *forward);    /* its name */
size_t pv_forward_real_bytes(const pv_forward *forward);
uint64_t pv_forward_memory(const pv_forward *forward);
/* The device that computes. False for the CPU; PV_ERR_DEVICE when it no longer answers. */
pv_code pv_forward_device(pv_forward *forward, bool *has, pv_gpu_info *out, pv_error *err);
/* The same of number `i` of the devices that compute; false past the last. */
pv_code pv_forward_device_at(pv_forward *forward, size_t i, bool *has, pv_gpu_info *out,
                             pv_error *err);

#endif
