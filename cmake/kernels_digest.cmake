# Writes generated/kernels_digest.h: SHA-256 over the sources that decide what the forward computes and
# how a check judges it, and over every header that these include, near or far; a receipt holds only while
# they are unchanged.
#   PV_CHECK_DIGESTS   of each check: its own file, and all that checks are linked with but the files of
#                      other checks and the list of all. The flags of nvcc are in it: they decide what
#                      ptxas makes of the PTX.
#   PV_KERNELS_SHA256  of the CUDA kernels and the headers that nothing else includes; the PTX that is
#                      made of them can stand in their place.
#   PV_HOST_SHA256     of all but the kernels.
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

# hash(OUT SOURCE...): their digest; LINES gets one line for each.
function(hash out)
  set(own "")
  foreach(source IN LISTS ARGN)
    file(SHA256 ${SOURCE_DIR}/${source} digest)
    string(APPEND own "${digest}  ${source}\n")
  endforeach()
  string(SHA256 digest "${own}")
  set(${out} ${digest} PARENT_SCOPE)
  set(lines "${own}" PARENT_SCOPE)
endfunction()

file(STRINGS ${SOURCES} seeds)
set(kernels ${seeds})
list(FILTER kernels INCLUDE REGEX "\\.cu$")
list(FILTER seeds EXCLUDE REGEX "\\.cu$")
collect(host ${seeds})
collect(kernels ${kernels})
list(REMOVE_ITEM kernels ${host})
hash(host_digest ${host})
set(listing "${lines}")
hash(kernels_digest ${kernels})
string(APPEND listing "${lines}")

# A file of checks says their names; what is left is common to all.
set(checks "")
foreach(source IN LISTS seeds)
  if(source MATCHES "^runtime/checks/")
    file(STRINGS ${SOURCE_DIR}/${source} names_${source} REGEX "^ *\\.name = \"[a-z0-9_.]+\",")
    if(names_${source})
      list(APPEND checks ${source})
    endif()
  endif()
endforeach()
list(REMOVE_ITEM seeds ${checks})
collect(common ${seeds})
list(REMOVE_ITEM common runtime/checks/list.h)
hash(common_digest ${common})
set(table "")
foreach(source IN LISTS checks)
  collect(own ${source})
  list(REMOVE_ITEM own ${common})
  hash(digest ${own})
  string(SHA256 digest "${common_digest} ${digest}")
  foreach(line IN LISTS names_${source})
    string(REGEX MATCH "\"[^\"]+\"" name "${line}")
    string(APPEND table " {${name}, \"${digest}\"},")
  endforeach()
endforeach()

set(text "#define PV_HOST_SHA256 \"${host_digest}\"\n#define PV_KERNELS_SHA256 \"${kernels_digest}\"\n")
string(APPEND text "#define PV_CHECK_DIGESTS${table}\n")
file(WRITE ${LISTING} "${listing}")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT "${old}" STREQUAL "${text}")
  file(WRITE ${OUTPUT} "${text}")
endif()
