# Which commit and which build this is, for `pv version`, in a file beside what pv came with. It is
# none of the program's bytes: the same sources give the same program, whatever commit holds them, and
# what was tested over it stays tested.
cmake_minimum_required(VERSION 3.25)

set(commit "none: built outside a git repository")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} rev-parse --show-prefix HEAD
    OUTPUT_VARIABLE said ERROR_QUIET RESULT_VARIABLE code)
  # Of the repository whose root this is, and of no other that the sources were unpacked into.
  if(code EQUAL 0 AND said MATCHES "^\n?([0-9a-f]+)\n$")
    set(commit ${CMAKE_MATCH_1})
    execute_process(COMMAND ${GIT} -C ${SOURCE_DIR} status --porcelain --untracked-files=no
      OUTPUT_VARIABLE changes ERROR_QUIET RESULT_VARIABLE code)
    if(NOT code EQUAL 0 OR changes)
      string(APPEND commit " (changed)")
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "commit ${commit}\nbuild ${BUILD}\n" @ONLY) # where it differs
