// SPDX-License-Identifier: Apache-2.0
//
// Tests the observer without an emulator: this program has the plugin functions of version
// INTERFACE of QEMU's interface, loads the observer as QEMU does, and "runs" a guest of a few
// instructions. So each version is tested, whatever QEMU is installed.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/scratch_folder.h"

namespace {

constexpr uint64_t kId = 42;

struct Instruction {
  uint64_t address;
  std::vector<uint8_t> bytes;
  // Memory that it accesses, and whether it stores. A move without any has faulted.
  std::vector<std::pair<uint64_t, bool>> accesses = {};
};

using Executed = void (*)(unsigned, void*);
using Accessed = void (*)(unsigned, uint32_t, uint64_t, void*);

}  // namespace

extern "C" {

struct qemu_plugin_insn {
  const Instruction* instruction;
  std::vector<std::pair<Executed, void*>> executed;
  std::vector<std::pair<Accessed, void*>> accessed;
};

struct qemu_plugin_tb {
  std::vector<qemu_plugin_insn> insns;
};

struct qemu_info_t {
  const char* target_name;
  struct {
    int min;
    int cur;
  } version;
  bool system_emulation;
  int vcpus[2];
};

}  // extern "C"

namespace {

// The callbacks that the plugin has registered.
std::function<void(qemu_plugin_tb*)> translated;
std::function<void()> when_reset;

}  // namespace

extern "C" {

void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn* insn, Executed callback, int,
                                            void* data) {
  insn->executed.emplace_back(callback, data);
}

void qemu_plugin_register_vcpu_mem_cb(qemu_plugin_insn* insn, Accessed callback, int, int,
                                      void* data) {
  insn->accessed.emplace_back(callback, data);
}

bool qemu_plugin_mem_is_store(uint32_t info) { return info != 0; }
size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb* tb) { return tb->insns.size(); }
qemu_plugin_insn* qemu_plugin_tb_get_insn(qemu_plugin_tb* tb, size_t index) {
  return &tb->insns.at(index);
}
size_t qemu_plugin_insn_size(const qemu_plugin_insn* insn) {
  return insn->instruction->bytes.size();
}
uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn* insn) { return insn->instruction->address; }

#if INTERFACE < 3
const void* qemu_plugin_insn_data(const qemu_plugin_insn* insn) {
  return insn->instruction->bytes.data();
}
#else
size_t qemu_plugin_insn_data(const qemu_plugin_insn* insn, void* bytes, size_t size) {
  const auto& all = insn->instruction->bytes;
  const size_t copied = std::min(size, all.size());
  std::memcpy(bytes, all.data(), copied);
  return copied;
}
#endif

#if INTERFACE < 7
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*callback)(uint64_t, qemu_plugin_tb*)) {
  ASSERT_EQ(id, kId);
  translated = [callback](qemu_plugin_tb* tb) { callback(kId, tb); };
}

void qemu_plugin_reset(uint64_t id, void (*callback)(uint64_t)) {
  ASSERT_EQ(id, kId);
  when_reset = [callback] { callback(kId); };
}
#else
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*callback)(qemu_plugin_tb*, void*),
                                           void* data) {
  ASSERT_EQ(id, kId);
  translated = [callback, data](qemu_plugin_tb* tb) { callback(tb, data); };
}

void qemu_plugin_reset(uint64_t id, void (*callback)(void*), void* data) {
  ASSERT_EQ(id, kId);
  when_reset = [callback, data] { callback(data); };
}
#endif

}  // extern "C"

namespace {

// Each instruction is a translation block of its own.
class Emulator {
 public:
  void Run(const std::vector<Instruction>& program) {
    for (const Instruction& instruction : program) {
      qemu_plugin_insn& insn = Translated(instruction);
      for (auto [callback, data] : std::vector(insn.executed)) callback(0, data);
      for (auto [address, is_store] : instruction.accesses) {
        for (auto [callback, data] : insn.accessed) callback(0, is_store, address, data);
      }
      if (when_reset) Reset();
    }
  }

 private:
  qemu_plugin_insn& Translated(const Instruction& instruction) {
    auto& block = blocks_[&instruction];
    if (!block) {
      block = std::make_unique<qemu_plugin_tb>();
      block->insns.push_back({&instruction, {}, {}});
      if (translated) translated(block.get());
    }
    return block->insns.front();
  }

  // As QEMU does: later than it was asked for, with all callbacks and translations gone.
  void Reset() {
    translated = nullptr;
    blocks_.clear();
    std::exchange(when_reset, nullptr)();
  }

  std::map<const Instruction*, std::unique_ptr<qemu_plugin_tb>> blocks_;
};

constexpr uint64_t kKernel = 0xffffffff81000000, kStack = 0xffffc90000000000;

Instruction Marker(uint8_t number, uint64_t address) {
  return {address, {0x0f, 0x1f, 0x84, 0x00, number, 0x62, 0x6d, 0x6b}};
}

using Install = int (*)(uint64_t, const qemu_info_t*, int, char**);

class ObserverTest : public testing::Test {
 protected:
  void SetUp() override {
    plugin_ = dlopen(OBSERVER, RTLD_NOW);
    ASSERT_NE(plugin_, nullptr) << dlerror();
    install_ = reinterpret_cast<Install>(dlsym(plugin_, "qemu_plugin_install"));
    ASSERT_NE(install_, nullptr);
  }

  void* plugin_ = nullptr;
  Install install_ = nullptr;
  const qemu_info_t info_ = {"x86_64", {DECLARED, INTERFACE}, true, {1, 1}};
};

TEST_F(ObserverTest, DeclaresTheVersionThatItsNameHas) {
  const auto* declared = static_cast<const int*>(dlsym(plugin_, "qemu_plugin_version"));
  ASSERT_NE(declared, nullptr);
  EXPECT_EQ(*declared, DECLARED);
}

TEST_F(ObserverTest, SaysWhatTheEmulatorSpeaksWhereItIsNotToldWhereToWrite) {
  testing::internal::CaptureStderr();
  EXPECT_NE(install_(kId, &info_, 0, nullptr), 0);
  const std::string spoken = std::to_string(DECLARED) + " to " + std::to_string(INTERFACE);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "observer: plugin interface " + spoken + "; give out=FILE\n");
}

TEST_F(ObserverTest, CountsWhatRunsInAWindow) {
  const kmapbench::ScratchFolder folder;
  const std::string file = folder.File("windows.jsonl");
  std::string out = "out=" + file;
  char* argv[] = {out.data()};
  ASSERT_EQ(install_(kId, &info_, 1, argv), 0);

  constexpr uint64_t kCall = kKernel + 0x43, kCalled = kKernel + 0x60;
  const std::vector<Instruction> program = {
      {kKernel, {0x90}},  // before the module is there
      Marker(1, kKernel + 0x10),
      {kKernel + 0x20, {0x90}},  // in no window
      Marker(2, kKernel + 0x30),
      {kKernel + 0x3f, {0x90}},
      {kKernel + 0x40, {0x3e, 0x0f, 0x30}},  // with a prefix
      {kCall, {0xe8, 0x10, 0x00, 0x00, 0x00}, {{kStack, true}}},
      {kCalled, {0x0f, 0x30}},
      {kKernel + 0x62, {0xc3}, {{kStack, false}}},
      {kKernel + 0x48, {0x48, 0x8b, 0x00}, {{kStack, false}}},
      {kKernel + 0x4b, {0x48, 0x8b, 0x00}},  // faults
      {kKernel + 0x4e, {0x90}},
      Marker(3, kKernel + 0x50),
      {kKernel + 0x58, {0x90}},
  };
  Emulator emulator;
  emulator.Run(program);
  emulator.Run(program);  // the module is loaded once more

  std::ifstream lines(file);
  const std::string expected =
      R"({"space": "kernel", "window": 0, "instructions": 7, "wrmsr": 2, "frames": [[0, )" +
      std::to_string(kCall) + R"(]], "pcs": [[)";
  for (int i = 0; i < 2; ++i) {
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(line.substr(0, expected.size()), expected);
    // the WRMSR of the function that was called, in its frame
    const std::string called = "[" + std::to_string(kCalled) + R"(, 1, "0f30", 1])";
    EXPECT_NE(line.find(called), std::string::npos) << line;
  }
  EXPECT_EQ(lines.peek(), std::ifstream::traits_type::eof());
}

}  // namespace
