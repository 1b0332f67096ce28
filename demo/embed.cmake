# Turns the documents of an organisation into one C++ function, so that the program needs no files beside it.
#
#   terreno_embed_documents(OUTPUT file.cpp FUNCTION name FOLDER raices FILES policy.yaml …)
function(terreno_embed_documents)
  cmake_parse_arguments(ARG "" "OUTPUT;FUNCTION;FOLDER" "FILES" ${ARGN})
  set(code "#include \"demo/documents.h\"\n\nnamespace terreno::demo {\n")
  string(APPEND code "std::vector<DocumentFile> ${ARG_FUNCTION}();\n")
  string(APPEND code "std::vector<DocumentFile> ${ARG_FUNCTION}() {\n  return {\n")
  foreach(file IN LISTS ARG_FILES)
    set(path ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_FOLDER}/${file})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(READ ${path} text)
    # Written before the file's text is added, since a semicolon in it must not split a list.
    string(APPEND code "      {\"${file}\", R\"~~yaml~~(" "${text}" ")~~yaml~~\"},\n")
  endforeach()
  string(APPEND code "  };\n}\n}  // namespace terreno::demo\n")
  file(CONFIGURE OUTPUT ${ARG_OUTPUT} CONTENT "@code@" @ONLY)
endfunction()
