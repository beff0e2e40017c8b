# Builds main.c or main.cpp with what pkg-config says, and runs it.
set(ENV{PKG_CONFIG_PATH} "")
file(GLOB_RECURSE files ${PREFIX}/${PACKAGE}.pc)
list(GET files 0 file)
get_filename_component(ENV_PATH ${file} DIRECTORY)
set(ENV{PKG_CONFIG_PATH} ${ENV_PATH})

function(ask result)
  execute_process(COMMAND ${PKG_CONFIG} ${ARGN} ${PACKAGE} OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()
ask(version --modversion)
ask(flags --cflags)
ask(libraries --libs)
ask(folder --variable=libdir)
separate_arguments(flags UNIX_COMMAND "${flags} ${FLAGS}")
separate_arguments(libraries UNIX_COMMAND "${libraries}")

if(PACKAGE STREQUAL "hpcore")
  set(compile ${C} -std=c11 ${CMAKE_CURRENT_LIST_DIR}/main.c)
else()
  set(compile ${CXX} -std=c++20 ${CMAKE_CURRENT_LIST_DIR}/main.cpp)
endif()
file(MAKE_DIRECTORY ${BUILD})
execute_process(COMMAND ${compile} ${flags} -o ${BUILD}/program ${libraries} -Wl,-rpath,${folder}
  COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${BUILD}/program ${version} COMMAND_ERROR_IS_FATAL ANY)
