/* What LightGBM's headers take of NCCL, which nothing here calls. */
#pragma once
typedef struct ncclComm *ncclComm_t;
typedef enum { ncclSuccess } ncclResult_t;
typedef enum { ncclInt32, ncclFloat64 } ncclDataType_t;
typedef enum { ncclSum } ncclRedOp_t;
typedef struct {
  char internal[128];
} ncclUniqueId;

extern "C" {
const char *ncclGetErrorString(ncclResult_t result);
ncclResult_t ncclAllReduce(const void *from, void *to, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream);
ncclResult_t ncclGroupStart();
ncclResult_t ncclGroupEnd();
ncclResult_t ncclGetUniqueId(ncclUniqueId *id);
ncclResult_t ncclCommInitRank(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank);
}
