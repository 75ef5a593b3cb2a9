// SPDX-License-Identifier: Apache-2.0
#include "kmap_bench/loop_check.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "entry/exec_sampler.h"
#include "user/model.h"

namespace kmapbench {
namespace {

// Two bodies of 32 bytes, each with an empty loop: sub $1, %rbx; jne to the sub; ret.
class Planted : public ::testing::Test {
 protected:
  static constexpr size_t kBody = 32;
  static constexpr std::array<unsigned char, 7> kLoop = {0x48, 0x83, 0xeb, 0x01, 0x75, 0xfa, 0xc3};
  static constexpr size_t kJump = 4;  // of kLoop

  Planted() {
    code_.fill(0x90);
    for (const size_t begin : {size_t{0}, kBody}) {
      std::copy(kLoop.begin(), kLoop.end(), code_.begin() + begin + kAt);
      Note(begin + kAt + kJump);
    }
  }

  // Adds an entry for a jump at that byte.
  void Note(size_t at) {
    kb_loop_entry& entry = entries_[count_++];
    entry.jump = static_cast<int>(&code_[at] - reinterpret_cast<unsigned char*>(&entry));
  }

  std::string Problem() const {
    const std::vector<LoopBody> bodies = {{"first", &code_[0]}, {"second", &code_[kBody]}};
    return LoopProblem(bodies, {entries_.data(), count_});
  }

  static constexpr size_t kAt = 8;  // of the loop in its body
  std::array<unsigned char, 2 * kBody> code_;
  std::array<kb_loop_entry, 4> entries_{};
  size_t count_ = 0;
};

TEST_F(Planted, LoopsAsTheyShouldBeAreNoProblem) { EXPECT_EQ(Problem(), ""); }

TEST_F(Planted, ALongJumpBackIsNoProblem) {
  const std::array<unsigned char, 6> jump = {0x0f, 0x85, 0xf6, 0xff, 0xff, 0xff};
  std::copy(jump.begin(), jump.end(), code_.begin() + kAt + kJump);
  EXPECT_EQ(Problem(), "");
}

// endbr64; sub $1, %rbx; jne to the endbr64; ret, for the body that begins at begin.
TEST_F(Planted, ARoundThatBeginsWithEndbrIsFoundUnlessAllDo) {
  const std::array<unsigned char, 4> endbr = {0xf3, 0x0f, 0x1e, 0xfa};
  const auto put = [&](size_t begin) {
    std::copy(endbr.begin(), endbr.end(), code_.begin() + begin + kAt - endbr.size());
    code_[begin + kAt + kJump + 1] = 0xf6;
  };
  put(kBody);
  EXPECT_NE(Problem().find("second: a round of its loop begins with ENDBR64"), std::string::npos)
      << Problem();
  put(0);
  EXPECT_EQ(Problem(), "");
  EXPECT_TRUE(kb_loop_begins_with_endbr(&code_[kAt + kJump]));
  // What the kernel writes in place of an ENDBR64 that nobody may come to.
  const std::array<unsigned char, 4> poison = {0x66, 0x0f, 0x1f, 0x00};
  std::copy(poison.begin(), poison.end(), code_.begin() + kAt - poison.size());
  EXPECT_EQ(Problem(), "");
}

TEST_F(Planted, ACopyOfTheEndIsFound) {
  std::copy(kLoop.begin(), kLoop.end(), code_.begin() + kAt + kLoop.size());
  Note(kAt + kLoop.size() + kJump);
  EXPECT_NE(Problem().find("first: has 2 ends"), std::string::npos) << Problem();
}

TEST_F(Planted, ABodyWithoutAnEndIsFound) {
  --count_;
  EXPECT_NE(Problem().find("second: has 0 ends"), std::string::npos) << Problem();
}

TEST_F(Planted, OtherBytesAreFound) {
  for (const size_t byte : {0, 1, 2, 3, 4}) {
    const unsigned char was = code_[kAt + byte];
    code_[kAt + byte] ^= 1;
    EXPECT_NE(Problem().find("first: its loop does not end"), std::string::npos) << byte;
    code_[kAt + byte] = was;
  }
}

TEST_F(Planted, AJumpForwardsIsFound) {
  code_[kAt + kJump + 1] = 1;
  EXPECT_NE(Problem().find("first: its loop does not end"), std::string::npos) << Problem();
}

TEST_F(Planted, AJumpIntoAnotherBodyIsFound) {
  code_[kBody + kAt + kJump + 1] = static_cast<unsigned char>(-20);
  EXPECT_NE(Problem().find("second: its loop does not end"), std::string::npos) << Problem();
}

TEST(LoopsOfThisProgram, AreAsTheyShouldBe) {
  std::vector<LoopBody> bodies = user::LoopBodies();
  for (LoopBody& body : entry::LoopBodies()) bodies.push_back(std::move(body));
  EXPECT_GT(LoopEntries().size(), 50u);
  EXPECT_EQ(LoopProblem(bodies, LoopEntries()), "");
}

TEST(LoopsOfThisProgram, AreMissedWhereTheyAreNotListed) {
  std::vector<LoopBody> bodies = user::LoopBodies();
  std::erase_if(bodies, [](const LoopBody& body) { return body.name == "user/known/adds13"; });
  EXPECT_NE(LoopProblem(bodies, LoopEntries()), "");
}

}  // namespace
}  // namespace kmapbench
