# What is installed, and the packages that are made of it. Where things lie below the prefix is fixed,
# and the prefix is nowhere written down: pv finds what it came with from its own file
# (validator/judge/own.h), wherever that is moved to.
set(PV_NAME pv CACHE STRING "What pv is installed as; with another name it lives beside another program pv")
set(share share/pv-contracts)
set(pages ${PROJECT_BINARY_DIR}/pages)

if(PV_NAME STREQUAL pv)
  set(programs bin)
  set(zsh share/zsh/site-functions)
else() # in a folder of its own, for those who put that first in PATH
  set(programs lib/${PV_NAME}/bin)
  set(zsh share/zsh/vendor-completions) # as distributions have it
  file(CREATE_LINK ../${programs}/pv ${PROJECT_BINARY_DIR}/generated/${PV_NAME} SYMBOLIC)
  install(FILES ${PROJECT_BINARY_DIR}/generated/${PV_NAME} DESTINATION bin)
endif()
install(TARGETS pv pv-probe DESTINATION ${programs})
install(DIRECTORY contracts models DESTINATION ${share}
  FILES_MATCHING PATTERN *.yaml PATTERN *.gguf PATTERN *.reference PATTERN *.md PATTERN *.cu PATTERN *.ptx)
install(DIRECTORY reports/published DESTINATION ${share}/reports)
# Writers of traces are built and run by the user; examples are contracts' providers.
install(DIRECTORY engines examples DESTINATION ${share} USE_SOURCE_PERMISSIONS
  PATTERN __pycache__ EXCLUDE)
install(FILES README.md CHANGELOG.md DESTINATION share/doc/pv-contracts)
install(DIRECTORY docs DESTINATION share/doc/pv-contracts)

# Which build this is.
set(toolkit "no CUDA toolkit, so no kernels of a GPU")
if(PV_NVCC)
  execute_process(COMMAND ${PV_NVCC} --version OUTPUT_VARIABLE said)
  string(REGEX MATCH "release ([0-9.]+)" _ "${said}")
  set(toolkit "CUDA ${CMAKE_MATCH_1}")
endif()
if(NOT PV_PRESET)
  set(PV_PRESET "no preset, ${CMAKE_BUILD_TYPE}")
endif()
string(TOLOWER ${CMAKE_C_COMPILER_ID} compiler)
string(REPLACE gnu gcc compiler ${compiler})
set(facts ${PROJECT_BINARY_DIR}/${share}/build)
add_custom_target(pv_facts COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DOUTPUT=${facts}
    "-DBUILD=${PV_PRESET}, ${compiler} ${CMAKE_C_COMPILER_VERSION}, ${toolkit}"
    -P ${PROJECT_SOURCE_DIR}/cmake/facts.cmake
  BYPRODUCTS ${facts} COMMENT "Which commit this is" VERBATIM)
add_dependencies(pv pv_facts)
install(FILES ${facts} DESTINATION ${share})

# Man pages and completions, from what the programs print.
add_custom_command(OUTPUT ${pages}/bash
  COMMAND ${PROJECT_SOURCE_DIR}/cmake/pages.sh $<TARGET_FILE:pv> ${PV_NAME} ${PROJECT_VERSION} ${pages}
  DEPENDS pv pv-probe cmake/pages.sh COMMENT "Man pages and completions" VERBATIM)
add_custom_target(pv_pages ALL DEPENDS ${pages}/bash)
install(DIRECTORY ${pages}/man1 DESTINATION share/man)
install(FILES ${pages}/bash DESTINATION share/bash-completion/completions RENAME ${PV_NAME})
install(FILES ${pages}/zsh DESTINATION ${zsh} RENAME _${PV_NAME})
install(FILES ${pages}/fish DESTINATION share/fish/vendor_completions.d RENAME ${PV_NAME}.fish)

set(CPACK_PACKAGE_NAME pv-contracts)
set(CPACK_PACKAGE_VENDOR "The pv authors")
set(CPACK_PACKAGE_CONTACT "The pv authors <pv-contracts@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "tests numerical claims about language models")
set(CPACK_PACKAGE_DESCRIPTION "A claim about the forward pass of a quantised language model (GGUF) stands in a
contract. pv-contracts runs the tests that can refute it, on the CPU and on a
GPU, and derives the status of the contract from the evidence alone. It finds
where another engine or a GPU kernel computes something else, and by how much.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
if(PV_NAME STREQUAL pv) # to be unpacked anywhere
  install(FILES LICENSE DESTINATION share/doc/pv-contracts)
  set(CPACK_GENERATOR TGZ)
  string(TOLOWER ${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR} system)
  set(CPACK_PACKAGE_FILE_NAME pv-${PROJECT_VERSION}-${system})
else()
  include(cmake/debian/debian.cmake)
endif()
include(CPack)
