# Helpers for the CMakeLists.txt of each room.

# Warnings and floating-point rules that hold for every target: no contraction, no fast-math, no
# excess precision, so that the source alone decides what is computed.
add_library(pv_flags INTERFACE)
target_compile_features(pv_flags INTERFACE c_std_17)
target_include_directories(pv_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(pv_flags INTERFACE _GNU_SOURCE=1 PV_VERSION="${PROJECT_VERSION}")
target_compile_options(pv_flags INTERFACE
  -ffp-contract=off -fno-math-errno -fno-strict-aliasing -fstack-protector-strong
  -fstack-clash-protection -fPIE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
  -Wpointer-arith -Wcast-qual -Wundef -Wwrite-strings
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
target_link_options(pv_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(CMAKE_C_FLAGS MATCHES "--coverage")
  add_library(pv_exit STATIC ${PROJECT_SOURCE_DIR}/tests/exit.c)
  target_link_libraries(pv_flags INTERFACE pv_exit)
  target_link_options(pv_flags INTERFACE -Wl,--wrap=_exit)
elseif(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  set(PV_FORTIFIED ON) # only optimised code can be, and a sanitizer looks closer
  target_compile_options(pv_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
# Address sanitizer, for arithmetic: functions by the million that hand out no address of what is theirs.
# That such an address is not used after they ended is looked for everywhere else.
if(CMAKE_C_FLAGS MATCHES "-fsanitize=address" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(arithmetic pv_quant pv_cpu_scalar_path pv_cpu_avx2_path pv_cpu_vnni_path pv_definition pv_exact pv_foreign)
  target_compile_options(pv_flags INTERFACE
    "$<$<IN_LIST:$<TARGET_PROPERTY:NAME>,${arithmetic}>:--param=asan-use-after-return=0>")
endif()
if(PV_FUZZ) # by clang; what gcc has no word against
  target_compile_options(pv_flags INTERFACE -Wno-unknown-pragmas -Wno-missing-field-initializers)
endif()
if(PV_WERROR)
  target_compile_options(pv_flags INTERFACE -Werror)
endif()
if(PV_STATIC) # all but the C library, which must be the machine's own: libcuda is opened through it
  target_link_options(pv_flags INTERFACE -static-libgcc)
endif()

# pv_room(NAME SOURCES a.c b.c [DEPENDS other_room PkgConfig::lib ...]): one static library.
function(pv_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(${name} PUBLIC pv_flags ${ROOM_DEPENDS})
endfunction()

# pv_test(NAME SOURCES test_x.c [DEPENDS room ...] [LABELS label ...]): one CUnit program, one ctest
# entry. Labels: threads (also run under the thread sanitizer), once (looks at what is
# the same in every build, pages or sources: in the release tier alone), host (in which no kernel has a
# part: not in a build without nvcc), slow (only with ./dev test --all, and not under sanitizers),
# long (only with ./dev test --long), gpu (only with ./dev test --gpu). What takes long by itself has a
# COST, the seconds of it, and starts first.
function(pv_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPENDS;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE pv_flags pv_testing ${TEST_DEPENDS})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # 77: every test of the program was skipped (see tests/unit/testing.h); under CI=true it fails.
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77
    LABELS "${TEST_LABELS}")
endfunction()
