/* Names and strings of numerics identities. */
#include <string.h>

#include "runtime/forward/backend.h"

static const struct {
  const char *name, *identity;
} numerics_table[PV_NUMERICS_COUNT] = {
    [PV_NUMERICS_I16] =
        {"i16",
         "i16/2 act=fixed16(max=32512,block=weights,rne) sum=int,fold tree=fold-halving "
         "plain=wide256-fma attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
    [PV_NUMERICS_F32_F64ACC] =
        {"f32-f64acc",
         "f32-f64acc/1 act=f32 sum=f64-fma(lanes=32,chunk=256)->f32 tree=fold-halving "
         "attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
    [PV_NUMERICS_F64] = {"f64", "f64/1 all=f64 sum=lanes8 exp,sin,cos,pow=libm tie=value,index"},
    [PV_NUMERICS_I8] =
        {"i8",
         "i8/2 act=fixed8(max=127,block=weights,rne) sum=int,fold tree=fold-halving "
         "plain=wide256-fma attn=chunk64,narrow8,kv-f32 exp=pv1 rope=pv-f64 tie=value,index"},
};

const char *pv_numerics_name(pv_numerics numerics) {
  return numerics_table[numerics].name;
}
const char *pv_numerics_identity(pv_numerics numerics) {
  return numerics_table[numerics].identity;
}

int pv_numerics_find(const char *name) {
  for (int i = 0; i < PV_NUMERICS_COUNT; i++)
    if (strcmp(numerics_table[i].name, name) == 0) return i;
  return -1;
}
