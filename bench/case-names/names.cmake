# SPDX-License-Identifier: Apache-2.0
# Writes the names of the cases in kernel-bench-module/cases.c. The table is made by macros, so the
# preprocessor reads it; the kernel's headers, which it needs none of, are empty files here.
# In: TABLE, COMPILER, OUTPUT.
cmake_minimum_required(VERSION 3.25)
get_filename_component(folder ${TABLE} DIRECTORY)
get_filename_component(build ${OUTPUT} DIRECTORY)

file(GLOB sources ${folder}/*.h ${folder}/*.c)
foreach(source IN LISTS sources)
  file(STRINGS ${source} includes REGEX "^ *# *include *<")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^ *# *include *<([^>]*)>.*" "\\1" header "${line}")
    if(NOT EXISTS ${build}/empty/${header})
      file(WRITE ${build}/empty/${header} "")
    endif()
  endforeach()
endforeach()

execute_process(
  COMMAND ${COMPILER} -E -P -nostdinc -isystem ${build}/empty -D__KERNEL__
    "-DKERNEL_VERSION(a,b,c)=(((a)<<16)+((b)<<8)+(c))" -DLINUX_VERSION_CODE=0x7fffffff -DKMAPBENCH_SUPPORTED_H
    "-DIS_ENABLED(symbol)=1" ${TABLE}
  OUTPUT_VARIABLE text ERROR_VARIABLE said RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${TABLE}: the preprocessor failed: ${said}")
endif()

string(FIND "${text}" "kb_cases[]" at)
string(SUBSTRING "${text}" ${at} -1 text)
# A list of CMake's ends at a semicolon, and the text has some.
string(REPLACE ";" "," text "${text}")
string(REGEX MATCHALL "[.]name *= *(\"[^\"]*\"[ \n]*)+" rows "${text}")
set(names "")
foreach(row IN LISTS rows)
  string(REGEX REPLACE "[.]name *= *\"" "" row "${row}")
  string(REGEX REPLACE "\"[ \n]*\"" "" row "${row}")
  string(REGEX REPLACE "\"[ \n]*$" "" row "${row}")
  # Controls are measured in any case, and are none to choose.
  if(NOT row MATCHES "^control/")
    string(APPEND names "${row}\n")
  endif()
endforeach()
if(names STREQUAL "")
  message(FATAL_ERROR "${TABLE}: no names found in kb_cases[]")
endif()
file(WRITE ${OUTPUT} "${names}")
