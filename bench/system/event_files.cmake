# SPDX-License-Identifier: Apache-2.0
#
# Writes OUTPUT, a header with the text of each data file of events in FOLDER.
file(GLOB files ${FOLDER}/*.json)
set(texts "")
foreach(file ${files})
  file(READ ${file} text)
  string(APPEND texts "R\"(${text})\",\n")
endforeach()
file(WRITE ${OUTPUT} "inline constexpr const char* kEventFiles[] = {\n${texts}};\n")
