#include "tests/unit/bisect/same.h"

#include "tests/unit/testing.h"

static void same_place(const pv_bisect_place *a, const pv_bisect_place *b) {
  EXPECT_U64(a->present, b->present);
  EXPECT_I64(a->stage, b->stage);
  EXPECT_U64(a->layer, b->layer);
  EXPECT_U64(a->position, b->position);
  EXPECT_U64(a->index, b->index);
  EXPECT_I64(a->expert, b->expert);
  EXPECT_BYTES(&a->left, &b->left, sizeof(double));
  EXPECT_BYTES(&a->right, &b->right, sizeof(double));
  EXPECT_BYTES(&a->exact, &b->exact, sizeof(double));
}

void same_result(const pv_bisect_result *a, const pv_bisect_result *b) {
  EXPECT_U64(a->layers, b->layers);
  EXPECT_U64(a->compared, b->compared);
  EXPECT_U64(a->different, b->different);
  EXPECT_I64(a->verdict, b->verdict);
  EXPECT_BYTES(a->stages, b->stages, a->layers * sizeof *a->stages);
  for (int i = 0; i < 2; i++) {
    same_place(&a->culprit[i], &b->culprit[i]);
    EXPECT_BYTES(&a->worst_cosine[i], &b->worst_cosine[i], sizeof(double));
    EXPECT_U64(a->tops_from_arbiter[i], b->tops_from_arbiter[i]);
    EXPECT_U64(a->routing.from_arbiter[i], b->routing.from_arbiter[i]);
    EXPECT_STR(a->computed[i], b->computed[i]);
  }
  same_place(&a->first, &b->first);
  EXPECT_U64(a->routing.different, b->routing.different);
  EXPECT_BYTES(&a->routing.replayed_cosine, &b->routing.replayed_cosine, sizeof(double));
  EXPECT_U64(a->memory, b->memory);
  for (uint32_t l = 0; l < a->layers; l++)
    EXPECT_BYTES(&a->router[l].noise, &b->router[l].noise, sizeof(double));
}
