# fed_room(NAME [DEPENDS room...] [LIBS target...] [HEADERS_ONLY])
#
# A folder is a room. Its sources are every .c file in it and in its sub-folders that are
# not rooms themselves. Others may include exactly one header of it, NAME.h: they reach it
# through a folder made for that purpose, build/<preset>/rooms/NAME/, which holds a
# forwarding header and nothing else. So an include that breaks the dependency law (or
# reaches for a room's internals) does not compile.
function(fed_room name)
  cmake_parse_arguments(R "" "" "DEPENDS;LIBS;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
  foreach(pattern IN LISTS R_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  set(door "${CMAKE_BINARY_DIR}/rooms/${name}")
  file(MAKE_DIRECTORY "${door}")
  file(CONFIGURE OUTPUT "${door}/${name}.h"
       CONTENT "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${name}.h\"\n" @ONLY)
  add_library(fed_${name} STATIC ${sources})
  set_target_properties(fed_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(fed_${name}
    PUBLIC "${door}" PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  foreach(room IN LISTS R_DEPENDS)
    if(room STREQUAL "cli")
      message(FATAL_ERROR "${name}: cli is for programs, not for rooms")
    endif()
    target_link_libraries(fed_${name} PUBLIC fed_${room})
  endforeach()
  target_link_libraries(fed_${name} PRIVATE fed_flags PUBLIC ${R_LIBS})
endfunction()

# fed_program(NAME SOURCES file... ROOMS room... [LIBS target...])
# A program is a thin main() around rooms; it lands in build/<preset>/bin/.
include(GNUInstallDirs)
function(fed_program name)
  cmake_parse_arguments(P "" "" "SOURCES;ROOMS;LIBS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  foreach(room IN LISTS P_ROOMS)
    target_link_libraries(${name} PRIVATE fed_${room})
  endforeach()
  target_link_libraries(${name} PRIVATE fed_flags ${P_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  if("cli" IN_LIST P_ROOMS)
    fed_man_page(${name})
  endif()
endfunction()

# The man page of a program over common/cli, which prints it itself; linted as a test.
function(fed_man_page program)
  set(page "${CMAKE_BINARY_DIR}/man/${program}.1")
  file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/man")
  add_custom_command(OUTPUT "${page}" COMMAND ${program} --man > "${page}"
                     DEPENDS ${program} VERBATIM)
  add_custom_target(man_page_${program} ALL DEPENDS "${page}")
  install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  add_test(NAME man_${program}
           COMMAND "${CMAKE_SOURCE_DIR}/script/checks/man" $<TARGET_FILE:${program}>)
  set_tests_properties(man_${program} PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
endfunction()

# fed_test(NAME [SOURCES file...] ROOMS room... [INSIDE folder...] [LIBS ...] [TIMEOUT s])
# One CUnit binary, test_NAME, from test_NAME.c unless SOURCES says otherwise. INSIDE opens
# the internals of the named folders (relative to the top) to white-box tests.
function(fed_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;ROOMS;INSIDE;LIBS;LABELS" ${ARGN})
  if(NOT T_SOURCES)
    set(T_SOURCES test_${name}.c)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 400) # for a hang; emulators and sanitizers are slow on a busy machine
  endif()
  add_executable(test_${name} ${T_SOURCES})
  set_target_properties(test_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  foreach(room IN LISTS T_ROOMS)
    target_link_libraries(test_${name} PRIVATE fed_${room})
  endforeach()
  foreach(folder IN LISTS T_INSIDE)
    target_include_directories(test_${name} PRIVATE "${CMAKE_SOURCE_DIR}/${folder}")
  endforeach()
  target_link_libraries(test_${name} PRIVATE fed_harness fed_flags ${T_LIBS})
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}"
    SKIP_RETURN_CODE 77)
endfunction()

# fed_fuzz(NAME ROOMS room... [INSIDE folder...])
# fuzz_NAME.c holds LLVMFuzzerTestOneInput. With FED_FUZZ it is a libFuzzer binary; without,
# the same file is linked with a driver that replays tests/fuzz/corpus/NAME/ and a few
# thousand mutations of it, so that every build runs every target.
function(fed_fuzz name)
  cmake_parse_arguments(F "" "" "ROOMS;INSIDE;LIBS" ${ARGN})
  add_executable(fuzz_${name} fuzz_${name}.c)
  set_target_properties(fuzz_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  foreach(room IN LISTS F_ROOMS)
    target_link_libraries(fuzz_${name} PRIVATE fed_${room})
  endforeach()
  foreach(folder IN LISTS F_INSIDE)
    target_include_directories(fuzz_${name} PRIVATE "${CMAKE_SOURCE_DIR}/${folder}")
  endforeach()
  target_link_libraries(fuzz_${name} PRIVATE fed_flags ${F_LIBS})
  if(FED_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_driver.c")
    add_test(NAME fuzz_${name} COMMAND fuzz_${name}
             "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 300 LABELS fuzz)
  endif()
endfunction()

# fed_bench(NAME ROOMS room... [INSIDE folder...] [LIBS target...])
# bench_NAME.c over tests/bench/bench.h; script/bench NAME builds and runs it.
function(fed_bench name)
  cmake_parse_arguments(B "" "" "ROOMS;INSIDE;LIBS" ${ARGN})
  add_executable(bench_${name} bench_${name}.c)
  set_target_properties(bench_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bench")
  foreach(room IN LISTS B_ROOMS)
    target_link_libraries(bench_${name} PRIVATE fed_${room})
  endforeach()
  foreach(folder IN LISTS B_INSIDE)
    target_include_directories(bench_${name} PRIVATE "${CMAKE_SOURCE_DIR}/${folder}")
  endforeach()
  target_link_libraries(bench_${name} PRIVATE fed_bench fed_flags ${B_LIBS})
endfunction()
