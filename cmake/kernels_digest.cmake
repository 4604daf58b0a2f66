# Writes generated/kernels_digest.h: SHA-256 over every source that decides what the forward
# computes and how a check judges it. A receipt holds only while this digest is unchanged. Run as a
# script at build time.
file(GLOB_RECURSE sources RELATIVE ${SOURCE_DIR}
  ${SOURCE_DIR}/kernels/*.[ch] ${SOURCE_DIR}/kernels/*.cu ${SOURCE_DIR}/kernels/*.cuh
  ${SOURCE_DIR}/runtime/forward/*.[ch] ${SOURCE_DIR}/runtime/model/*.[ch]
  ${SOURCE_DIR}/runtime/quant/*.[ch] ${SOURCE_DIR}/runtime/gguf/*.[ch]
  ${SOURCE_DIR}/runtime/trace/*.[ch] ${SOURCE_DIR}/runtime/probe/checks/*.[ch]
  ${SOURCE_DIR}/runtime/probe/check_spec.[ch])
# What the interpreter of PTX computes discharges nothing: of kernels/ptx only the reader and the
# assertions count. No check reads or writes a trace folder.
set(interpreter "kernels/ptx/(alu|block|decode|fault|machine|memory|shared|step|warp)[a-z0-9_]*")
list(FILTER sources EXCLUDE REGEX
  "^(${interpreter}|runtime/forward/gpu_ptx|runtime/trace/(folder|compare|against))\\.[ch]$")
list(SORT sources)
set(listing "")
foreach(source IN LISTS sources)
  file(SHA256 ${SOURCE_DIR}/${source} digest)
  string(APPEND listing "${digest}  ${source}\n")
endforeach()
string(SHA256 digest "${listing}")
set(text "#define PV_KERNELS_SHA256 \"${digest}\"\n")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE ${OUTPUT} "${text}")
endif()
