// SPDX-License-Identifier: Apache-2.0
#include "module_client/dax_page.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "common/unique_fd.h"
#include "tests/scratch_folder.h"

namespace kmapbench {
namespace {

class DaxTest : public testing::Test {
 protected:
  const ScratchFolder folder_;
  const std::string path_ = folder_.File("dax");

  void MakeFile(off_t bytes) {
    const UniqueFd fd(open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    ASSERT_TRUE(fd.ok());
    ASSERT_EQ(ftruncate(fd.get(), bytes), 0);
    ASSERT_EQ(pwrite(fd.get(), "kmap", 4, 0), 4);
  }
};

TEST_F(DaxTest, AFileElsewhereIsMappedWithAWord) {
  MakeFile(DaxMapping::kBytes);
  testing::internal::CaptureStderr();
  const DaxMapping mapping = DaxMapping::OfFile(path_);
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(path_ + ": not on a DAX file system"), std::string::npos) << said;
  // what is in the file stays as it was
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapping.first_page()), 4), "kmap");
  EXPECT_EQ(mapping.second_page(), mapping.first_page() + 4096);
}

TEST_F(DaxTest, AShortFileIsRefusedWithTheMend) {
  MakeFile(DaxMapping::kBytes - 1);
  try {
    DaxMapping::OfFile(path_);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), path_ + ": is shorter than 2 MiB: make it with fallocate -l 2M");
  }
}

TEST_F(DaxTest, WhatCannotBeOpenedIsNamed) {
  EXPECT_THROW(DaxMapping::OfFile("/nowhere/file"), std::system_error);
  EXPECT_THROW(DaxMapping::OfDevice("/nowhere/dax0.0"), std::system_error);
}

}  // namespace
}  // namespace kmapbench
