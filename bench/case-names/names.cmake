# SPDX-License-Identifier: Apache-2.0
# Writes the table of cases in kernel-bench-module/cases.c: a line each of name, smallest set that
# it is in (default, all), what it needs, and description, with tabs between. The table is made by
# macros, so the preprocessor reads it; the kernel's headers, which it needs none of, are empty files
# here.
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

# The field's string in ROW, of which the preprocessor may have left several beside each other.
function(field_of name result)
  set(value "")
  if(row MATCHES "[.]${name} *= *((\"[^\"]*\"[ \n]*)+)")
    string(REGEX REPLACE "\"[ \n]*\"" "" value "${CMAKE_MATCH_1}")
    string(REGEX REPLACE "^\"|\"[ \n]*$" "" value "${value}")
  endif()
  set(${result} "${value}" PARENT_SCOPE)
endfunction()

set(table "")
string(FIND "${text}" ".name" at)
while(NOT at EQUAL -1)
  string(SUBSTRING "${text}" ${at} -1 text)
  string(SUBSTRING "${text}" 1 -1 rest)
  string(FIND "${rest}" ".name" at)
  string(SUBSTRING "${rest}" 0 ${at} row)
  set(row ".${row}")
  set(text "${rest}")
  field_of(name name)
  field_of(what what)
  set(set "all")
  if(row MATCHES "[.]in_default_set *= *true")
    set(set "default")
  endif()
  set(needs "")
  foreach(need IN ITEMS
      "needs_pks *= *true=PKS" "needs_pku *= *true=PKU" "stand_in *= *true=no PKS"
      "skip_reason *= *kb_devmap_refuse_protected=our series"
      "skip_reason *= *kb_msr_refuse_wrmsrns=WRMSRNS"
      "needs_page *= *0x2u=DAX file" "needs_page *= *0x4u=device-dax")
    string(REGEX MATCH "(.*)=(.*)" need "${need}")
    if(row MATCHES "[.]${CMAKE_MATCH_1}")
      string(REGEX MATCH "(.*)=(.*)" need "${need}")
      string(APPEND needs "${separator}${CMAKE_MATCH_2}")
      set(separator ", ")
    endif()
  endforeach()
  unset(separator)
  if(name STREQUAL "" OR what STREQUAL "")
    message(FATAL_ERROR "${TABLE}: a row without name or description: ${row}")
  endif()
  # Controls are measured in any case, and are none to choose.
  if(NOT name MATCHES "^control/")
    string(APPEND table "${name}\t${set}\t${needs}\t${what}\n")
  endif()
endwhile()
if(table STREQUAL "")
  message(FATAL_ERROR "${TABLE}: no rows found in kb_cases[]")
endif()
file(WRITE ${OUTPUT} "${table}")
