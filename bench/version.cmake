# SPDX-License-Identifier: Apache-2.0
# Run at each build: writes version.h, and leaves it alone where nothing changed.
# In: SOURCE, OUTPUT, COMPILER, BUILD_TYPE.
set(COMMIT "unknown")
set(DIRTY false)
execute_process(COMMAND git -C ${SOURCE} rev-parse HEAD
  RESULT_VARIABLE failed OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT failed)
  set(COMMIT "${head}")
  execute_process(COMMAND git -C ${SOURCE} status --porcelain
    OUTPUT_VARIABLE changes ERROR_QUIET)
  if(NOT "${changes}" STREQUAL "")
    set(DIRTY true)
  endif()
endif()
configure_file(${SOURCE}/bench/version.h.in ${OUTPUT} @ONLY)
