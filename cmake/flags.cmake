# Flags that every file is compiled with. -ffp-contract=off: the same floating-point result
# on every CPU, whether or not it has fused multiply-add (kernels ask for it by name).
add_library(fed_flags INTERFACE)
target_link_libraries(fed_flags INTERFACE m)
target_compile_options(fed_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wwrite-strings -Wundef -Wvla -Wformat=2 -fno-common -ffp-contract=off -fno-math-errno
  -fstack-protector-strong -ffunction-sections -fdata-sections)
target_compile_definitions(fed_flags INTERFACE
  _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE FED_VERSION="${PROJECT_VERSION}")
if(CMAKE_BUILD_TYPE MATCHES "^(Release|MinSizeRel)$")
  target_compile_definitions(fed_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(FED_SMALL)
  target_compile_definitions(fed_flags INTERFACE FED_SMALL)
  target_compile_options(fed_flags INTERFACE -Os -fno-asynchronous-unwind-tables)
endif()
if(FED_WERROR)
  target_compile_options(fed_flags INTERFACE -Werror)
endif()
if(FED_SANITIZE)
  add_compile_options(-fsanitize=${FED_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FED_SANITIZE})
endif()
if(FED_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(FED_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
