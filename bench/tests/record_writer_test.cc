// SPDX-License-Identifier: Apache-2.0
#include "record/record_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <system_error>

#include "tests/scratch_folder.h"

namespace kmapbench {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class RecordWriterTest : public testing::Test {
 protected:
  const ScratchFolder folder_;
  const std::string path_ = folder_.File("records");
};

TEST_F(RecordWriterTest, EachRecordIsInTheFileWhenWriteReturns) {
  RecordWriter writer(path_);
  writer.Write({{"case", "a"}});
  EXPECT_EQ(Contents(path_), "{\"case\":\"a\"}\n");
  writer.Write({{"case", "b"}});
  EXPECT_EQ(Contents(path_), "{\"case\":\"a\"}\n{\"case\":\"b\"}\n");
}

TEST_F(RecordWriterTest, BytesThatAreNoUtf8AreReplaced) {
  RecordWriter(path_).Write({{"case",
                              "a\xff"
                              "b"}});
  EXPECT_EQ(Contents(path_),
            "{\"case\":\"a\xEF\xBF\xBD"
            "b\"}\n");
}

TEST_F(RecordWriterTest, AppendsToWhatAnEarlierProcessLeft) {
  RecordWriter(path_).Write({{"case", "a"}});
  RecordWriter(path_).Write({{"case", "b"}});
  EXPECT_EQ(Contents(path_), "{\"case\":\"a\"}\n{\"case\":\"b\"}\n");
}

TEST_F(RecordWriterTest, WritesToAPipe) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const UniqueFd reader(open(path_.c_str(), O_RDWR));
  RecordWriter(path_).Write({{"case", "a"}});
  char line[64] = {};
  ASSERT_GT(read(reader.get(), line, sizeof(line)), 0);
  EXPECT_STREQ(line, "{\"case\":\"a\"}\n");
}

TEST_F(RecordWriterTest, AFullDiskIsAnErrorThatNamesTheFile) {
  RecordWriter writer("/dev/full");
  try {
    writer.Write({{"case", "a"}});
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOSPC);
    EXPECT_NE(std::string(error.what()).find("/dev/full"), std::string::npos);
  }
}

TEST_F(RecordWriterTest, AMissingFolderIsAnErrorThatNamesTheFile) {
  EXPECT_THROW(RecordWriter("/nowhere/records"), std::system_error);
}

}  // namespace
}  // namespace kmapbench
