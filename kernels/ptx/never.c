/* What is not executed on purpose: units that only newer devices have, and what needs a host. */
#include <string.h>

#include "kernels/ptx/decode.h"

static const struct {
  const char *begins, *why;
} list[] = {
    {"wgmma.", "matrix products of warp groups (wgmma) are not run here"},
    {"tcgen05.", "the tensor memory of sm_100 (tcgen05) is not run here"},
    {"cp.async.bulk.prefetch.tensor", "tensor copies (TMA) are not run here"},
    {"cp.async.bulk.tensor", "tensor copies (TMA) are not run here"},
    {"cp.reduce.async.bulk", "bulk copies (TMA) are not run here"},
    {"cp.async.bulk.shared", "bulk copies (TMA) are not run here"},
    {"cp.async.bulk.global", "bulk copies (TMA) are not run here"},
    {"cp.async.bulk.commit_group", "bulk copies (TMA) are not run here"},
    {"cp.async.bulk.wait_group", "bulk copies (TMA) are not run here"},
    {"tensormap.", "tensor copies (TMA) are not run here"},
    {"tex.", "textures are not run here"},
    {"tld4.", "textures are not run here"},
    {"txq.", "textures are not run here"},
    {"istypep.", "textures are not run here"},
    {"suld.", "surfaces are not run here"},
    {"sust.", "surfaces are not run here"},
    {"sured.", "surfaces are not run here"},
    {"suq.", "surfaces are not run here"},
    {"mapa.", "clusters of blocks are not run here"},
    {"getctarank.", "clusters of blocks are not run here"},
    {"barrier.cluster.", "clusters of blocks are not run here"},
    {"st.async.", "clusters of blocks are not run here"},
    {"red.async.", "clusters of blocks are not run here"},
};

const char *pv_ptx_never(const char *text) {
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    const char *at = strstr(text, list[i].begins);
    if (at != NULL && (at == text || strchr(" \t;{}", at[-1]) != NULL)) return list[i].why;
  }
  return NULL;
}
