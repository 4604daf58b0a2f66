# Writes generated/kernels_digest.h: SHA-256 over every source that decides what the forward
# computes and how a check judges it, and over every header that these include, near or far. In two
# parts: PV_KERNELS_SHA256 over the CUDA kernels and the headers that nothing else includes, in whose
# place the PTX made of them can stand, and PV_HOST_SHA256 over all else, the flags of nvcc included:
# they decide what ptxas makes of the PTX. A receipt holds only while these digests are unchanged.
# SOURCES is the list that closure.cmake wrote; what was hashed stands in LISTING. Run as a script at
# build time.
cmake_minimum_required(VERSION 3.25)

# collect(OUT SOURCE...): these and every header that they include, sorted.
function(collect out)
  set(waiting ${ARGN})
  set(sources "")
  while(waiting)
    list(POP_FRONT waiting source)
    if(source IN_LIST sources)
      continue()
    endif()
    list(APPEND sources ${source})
    # Without the conditions around them: a machine without AVX2 or nvcc has the same digest.
    file(STRINGS ${SOURCE_DIR}/${source} lines REGEX "^[ \t]*#[ \t]*include[ \t]*\"")
    foreach(line IN LISTS lines)
      if(NOT line MATCHES "\"([^\"]+)\"" OR NOT EXISTS ${SOURCE_DIR}/${CMAKE_MATCH_1})
        message(FATAL_ERROR "${source}: not a path from the root: ${line}")
      endif()
      list(APPEND waiting ${CMAKE_MATCH_1})
    endforeach()
  endwhile()
  list(SORT sources)
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# hash(NAME SOURCE...): one line of the header; the listing grows.
function(hash name)
  set(own "")
  foreach(source IN LISTS ARGN)
    file(SHA256 ${SOURCE_DIR}/${source} digest)
    string(APPEND own "${digest}  ${source}\n")
  endforeach()
  string(SHA256 digest "${own}")
  set(text "${text}#define ${name} \"${digest}\"\n" PARENT_SCOPE)
  set(listing "${listing}${own}" PARENT_SCOPE)
endfunction()

file(STRINGS ${SOURCES} kernels)
set(host ${kernels})
list(FILTER host EXCLUDE REGEX "\\.cu$")
list(FILTER kernels INCLUDE REGEX "\\.cu$")
collect(host ${host})
collect(kernels ${kernels})
list(REMOVE_ITEM kernels ${host})
hash(PV_HOST_SHA256 ${host})
hash(PV_KERNELS_SHA256 ${kernels})
file(WRITE ${LISTING} "${listing}")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE ${OUTPUT} "${text}")
endif()
