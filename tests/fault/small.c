#include "tests/fault/small.h"

pv_synth_options small_model(void) {
  pv_synth_options o = pv_synth_defaults();
  o.layout = PV_SYNTH_Q8_0;
  o.threads = 1;
  o.shape.layers = 1;
  o.shape.hidden = o.shape.ffn = 32;
  o.shape.heads = 2;
  o.shape.kv_heads = 1;
  o.shape.head_dim = 16;
  o.shape.experts = 4;
  o.shape.used = 2;
  o.shape.vocab = PV_SYNTH_VOCAB_MIN;
  o.shape.context = 16;
  return o;
}
