# The web console inside the program: what `vite build` made, as read-only data. Included by src/server/console.
#
# TERRENO_CONSOLE  build     installs what package-lock.json names and builds it (needs Node and, once, a network)
#                  prebuilt  takes console/dist as it is, as a source tarball brings it
#                  none      the program says that it was built without a console

# Sets `out` to the folder of the built console, and `depends` to what must be up to date before it is read.
function(terreno_console_dist out depends)
  set(console ${CMAKE_SOURCE_DIR}/console)
  if(TERRENO_CONSOLE STREQUAL "prebuilt")
    if(NOT EXISTS ${console}/dist/index.html)
      message(FATAL_ERROR "TERRENO_CONSOLE=prebuilt needs console/dist; run npm ci && npm run build in console/, or use TERRENO_CONSOLE=build")
    endif()
    file(GLOB_RECURSE built CONFIGURE_DEPENDS ${console}/dist/*)
    set(${out} ${console}/dist PARENT_SCOPE)
    set(${depends} ${built} PARENT_SCOPE)
    return()
  endif()
  find_program(TERRENO_NPM npm HINTS ${CMAKE_SOURCE_DIR}/build/tools/node/bin)
  if(NOT TERRENO_NPM)
    message(FATAL_ERROR "npm was not found; tools/setup.sh installs it, or build with TERRENO_CONSOLE=none")
  endif()
  get_filename_component(node_folder ${TERRENO_NPM} DIRECTORY)
  # npm's own mark of what it has installed: build folders share it, as they share node_modules.
  set(installed ${console}/node_modules/.package-lock.json)
  add_custom_command(OUTPUT ${installed}
    COMMAND ${CMAKE_COMMAND} -E env "PATH=${node_folder}:$ENV{PATH}" ${TERRENO_NPM} ci --no-audit --no-fund --loglevel=error
    # An unchanged tree keeps its old date, which would install it again at each build.
    COMMAND ${CMAKE_COMMAND} -E touch ${installed}
    DEPENDS ${console}/package.json ${console}/package-lock.json
    WORKING_DIRECTORY ${console} COMMENT "Installing the console's packages" VERBATIM)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${console}/src/* ${console}/texts/* ${console}/public/*)
  set(dist ${CMAKE_BINARY_DIR}/console/dist)
  add_custom_command(OUTPUT ${dist}/index.html
    COMMAND ${CMAKE_COMMAND} -E env "PATH=${node_folder}:$ENV{PATH}" ${TERRENO_NPM} run --silent build -- --outDir ${dist} --emptyOutDir --logLevel warn
    DEPENDS ${installed} ${sources} ${console}/index.html ${console}/vite.config.ts ${console}/tsconfig.json
    WORKING_DIRECTORY ${console} COMMENT "Building the console" VERBATIM)
  set(${out} ${dist} PARENT_SCOPE)
  set(${depends} ${dist}/index.html PARENT_SCOPE)
endfunction()

# Embeds the console in the folder `dist` into the library `target`, and compiles console.cpp against it.
function(terreno_console_embed target dist)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded)
  add_custom_command(OUTPUT ${out}/console_assets.S ${out}/console_assets.inc
    COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/embed_console.py ${dist} ${out}
    DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed_console.py ${ARG_DEPENDS}
    COMMENT "Embedding the console" VERBATIM)
  target_sources(${target} PRIVATE ${out}/console_assets.S ${out}/console_assets.inc)
  # The assembler reads the bytes itself, which no scanner of includes sees.
  set_source_files_properties(${out}/console_assets.S PROPERTIES OBJECT_DEPENDS ${out}/console_assets.inc)
  target_include_directories(${target} PRIVATE ${out})
  target_compile_definitions(${target} PRIVATE TERRENO_CONSOLE_EMBEDDED)
endfunction()
