# What a C or C++ program needs: libraries, headers, a CMake package and files for pkg-config. Nothing in the installed
# tree names the folder it is in, so that it can be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

target_include_directories(hpcore_core PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_include_directories(hpcore_c PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS hpcore_core hpcore_c EXPORT hpcoreTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES csrc/include/hpcore.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY csrc/hpcore ${CMAKE_CURRENT_BINARY_DIR}/include/hpcore DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp")

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/hpcore)
install(EXPORT hpcoreTargets NAMESPACE hpcore:: DESTINATION ${package})
configure_package_config_file(cmake/hpcoreConfig.cmake.in cmake/hpcoreConfig.cmake INSTALL_DESTINATION ${package})
# Before 1.0 a program that uses the C++ headers must expect them to change with every minor version.
write_basic_package_version_file(cmake/hpcoreConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cmake/hpcoreConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/cmake/hpcoreConfigVersion.cmake DESTINATION ${package})

# hpcore: the C library.  hpcore-core: the C++ library, which is static and so names what it needs.
set(folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH up /${folder} /)
string(REGEX REPLACE "/$" "" up ${up})
set(core_libraries ${CMAKE_THREAD_LIBS_INIT})
if(HPCORE_LAPACK STREQUAL "find")
  list(APPEND core_libraries ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES})
endif()
list(JOIN core_libraries " " core_libraries)
foreach(name hpcore hpcore-core)
  configure_file(cmake/${name}.pc.in cmake/${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/cmake/${name}.pc DESTINATION ${folder})
endforeach()
