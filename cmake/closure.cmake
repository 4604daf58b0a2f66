# Which sources decide what the forward computes and how a check judges it: those of pv_checks and of
# every room that it links, near or far, as CMake itself knows them once all rooms are declared. The
# list is no file's to keep. kernels_digest.cmake adds the headers and hashes them.
#
# These are linked by the checks and are no evidence: what the interpreter of PTX computes discharges
# nothing (docs/ptx.md), and a run that names it is judged by itself, never by a receipt.
set(discharging_nothing pv_ptx_machine pv_forward_ptx)

set(waiting pv_checks)
set(rooms "")
set(listed cmake/room.cmake) # the flags of all rooms
while(waiting)
  list(POP_FRONT waiting room)
  get_target_property(imported ${room} IMPORTED)
  # pv_flags has no sources; a build that counts coverage links a helper of its own through it.
  if(room IN_LIST rooms OR room IN_LIST discharging_nothing OR room STREQUAL pv_flags OR imported)
    continue()
  endif()
  list(APPEND rooms ${room})
  get_target_property(folder ${room} SOURCE_DIR)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR})

  set(named "")
  foreach(property IN ITEMS LINK_LIBRARIES INTERFACE_LINK_LIBRARIES SOURCES)
    get_target_property(items ${room} ${property})
    if(items)
      list(APPEND named ${items})
    endif()
  endforeach()
  set(own "")
  foreach(item IN LISTS named)
    # Also where a condition stands around it: the digest is that of every machine.
    if(item MATCHES "\\$<(LINK_ONLY|TARGET_OBJECTS):([^<>]*)>")
      list(APPEND waiting ${CMAKE_MATCH_2})
    elseif(TARGET ${item})
      list(APPEND waiting ${item})
    elseif(item MATCHES "\\$<")
      message(FATAL_ERROR "cmake/closure.cmake does not understand ${item} of ${room}")
    elseif(EXISTS ${PROJECT_SOURCE_DIR}/${folder}/${item} AND NOT IS_ABSOLUTE ${item})
      list(APPEND own ${folder}/${item})
    elseif(item MATCHES "\\.c$") # made by the build: what it is made of is listed beside it
      set(made ${item})
    endif()
  endforeach()
  if(made AND NOT own)
    message(FATAL_ERROR "the sources of ${room} do not name what ${made} is made of")
  endif()
  unset(made)
  get_target_property(options ${room} COMPILE_OPTIONS)
  if(options) # flags of its own
    list(APPEND own ${folder}/CMakeLists.txt)
  endif()
  list(APPEND listed ${own})
endwhile()
list(REMOVE_DUPLICATES listed)
list(SORT listed)
list(JOIN listed "\n" listed)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/checks_sources.txt CONTENT "${listed}\n" @ONLY)
