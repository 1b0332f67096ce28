option(TERRENO_TESTS "Build the tests" ON)
option(TERRENO_BENCHMARKS "Build the benchmarks" OFF)
option(TERRENO_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)
option(TERRENO_HARDENED "Harden the binary: what ships" OFF)
set(TERRENO_SANITIZE "" CACHE STRING "Sanitizers, such as address,undefined or thread")
set(TERRENO_CONSOLE "build" CACHE STRING "The web console: build, prebuilt or none")
set_property(CACHE TERRENO_CONSOLE PROPERTY STRINGS build prebuilt none)

# Position independent everywhere: the program is a PIE.
include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(terreno_flags INTERFACE)
target_compile_options(terreno_flags INTERFACE
  -Wall -Wextra -Werror
  # One result on every machine: no fused multiply-add behind our back (DESIGN: apply is pure).
  -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside the standard library's own optional, variant and string when it inlines them.
  target_compile_options(terreno_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
  target_link_options(terreno_flags INTERFACE -fuse-ld=mold)
else()
  # Clang 19 warns inside libstdc++ 12's own stable_sort, which still calls get_temporary_buffer.
  target_compile_options(terreno_flags INTERFACE -Wno-deprecated-declarations)
  target_link_options(terreno_flags INTERFACE -fuse-ld=lld)
endif()
if(TERRENO_SANITIZE)
  target_compile_options(terreno_flags INTERFACE -fsanitize=${TERRENO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(terreno_flags INTERFACE -fsanitize=${TERRENO_SANITIZE})
endif()
if(TERRENO_FUZZ)
  target_compile_options(terreno_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TERRENO_HARDENED)
  target_compile_options(terreno_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection
    -D_GLIBCXX_ASSERTIONS)
  target_link_options(terreno_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed -pie)
endif()
