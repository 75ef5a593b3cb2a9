// SPDX-License-Identifier: Apache-2.0
//
// Counts, from outside the guest, what runs in kmapbench.ko's timed windows: instructions by
// address, and WRMSRs. It sees only instructions as the emulator executes them and knows the
// windows by the marker NOPs around them (kernel-bench-module/sample.c), so it shares no
// counter and no clock with the code under test.
//
// qemu-system-x86_64 -plugin .../libobserver.so,out=FILE
//
// FILE gets one JSON object a window: {"window": i, "instructions": n, "wrmsr": n,
// "pcs": [[address, executions, "bytes"], ...]}; windows count from 0 at each load of the
// module. One vCPU only.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "qemu_plugin.h"

namespace {

constexpr size_t kMaxInstructionBytes = 15;

struct Instruction {
  uint64_t address = 0;
  std::array<uint8_t, kMaxInstructionBytes> bytes{};
  size_t size = 0;
  uint64_t executions = 0;  // in the open window

  bool Is(const uint8_t *other, size_t other_size) const {
    return size == other_size && std::equal(bytes.begin(), bytes.begin() + size, other);
  }
  bool IsWrmsr() const {
    constexpr uint8_t kWrmsr[] = {0x0f, 0x30};
    return Is(kWrmsr, sizeof(kWrmsr));
  }
};

enum class Marker { kNone, kLoaded, kBegin, kEnd };

Marker MarkerOf(const Instruction &instruction) {
  constexpr std::array<uint8_t, 4> kNop = {0x0f, 0x1f, 0x84, 0x00};
  constexpr std::array<uint8_t, 3> kSign = {0x62, 0x6d, 0x6b};
  const auto &bytes = instruction.bytes;
  if (instruction.size != 8 || !std::equal(kNop.begin(), kNop.end(), bytes.begin()) ||
      !std::equal(kSign.begin(), kSign.end(), bytes.begin() + 5)) {
    return Marker::kNone;
  }
  switch (bytes[4]) {
    case 1:
      return Marker::kLoaded;
    case 2:
      return Marker::kBegin;
    case 3:
      return Marker::kEnd;
    default:
      return Marker::kNone;
  }
}

class Observer {
 public:
  bool Open(const char *path) {
    out_ = std::fopen(path, "w");
    return out_ != nullptr;
  }

  // The one object for what stands at an address; a reloaded module may put something else there.
  Instruction *Find(const qemu_plugin_insn *insn) {
    Instruction found;
    found.address = qemu_plugin_insn_vaddr(insn);
    found.size = std::min(qemu_plugin_insn_size(insn), kMaxInstructionBytes);
    std::memcpy(found.bytes.data(), qemu_plugin_insn_data(insn), found.size);
    for (auto [at, end] = known_.equal_range(found.address); at != end; ++at) {
      if (at->second->Is(found.bytes.data(), found.size)) return at->second.get();
    }
    return known_.emplace(found.address, std::make_unique<Instruction>(found))->second.get();
  }

  void Loaded() { windows_ = 0; }

  void Begin() {
    open_ = true;
    executed_.clear();
  }

  void Executed(Instruction *instruction) {
    if (!open_) return;
    if (instruction->executions++ == 0) executed_.push_back(instruction);
  }

  void End() {
    if (!open_) return;
    open_ = false;
    uint64_t instructions = 0, wrmsr = 0;
    std::string pcs;
    for (Instruction *instruction : executed_) {
      instructions += instruction->executions;
      if (instruction->IsWrmsr()) wrmsr += instruction->executions;
      Append(pcs, *instruction);
      instruction->executions = 0;
    }
    std::fprintf(
        out_, "{\"window\": %llu, \"instructions\": %llu, \"wrmsr\": %llu, \"pcs\": [%s]}\n",
        static_cast<unsigned long long>(windows_++), static_cast<unsigned long long>(instructions),
        static_cast<unsigned long long>(wrmsr), pcs.c_str());
    std::fflush(out_);
  }

 private:
  static void Append(std::string &pcs, const Instruction &instruction) {
    char text[64];
    std::snprintf(text, sizeof(text), "%s[%llu, %llu, \"", pcs.empty() ? "" : ", ",
                  static_cast<unsigned long long>(instruction.address),
                  static_cast<unsigned long long>(instruction.executions));
    pcs += text;
    for (size_t i = 0; i < instruction.size; ++i) {
      std::snprintf(text, sizeof(text), "%02x", instruction.bytes[i]);
      pcs += text;
    }
    pcs += "\"]";
  }

  std::FILE *out_ = nullptr;
  std::unordered_multimap<uint64_t, std::unique_ptr<Instruction>> known_;
  std::vector<Instruction *> executed_;
  uint64_t windows_ = 0;
  bool open_ = false;
};

Observer observer;
qemu_plugin_id_t plugin_id;

// Supervisor code is in the upper half of the address space.
bool IsKernel(uint64_t address) { return address >> 63; }

void OnBegin(unsigned, void *) { observer.Begin(); }
void OnEnd(unsigned, void *) { observer.End(); }
void OnExecuted(unsigned, void *instruction) {
  observer.Executed(static_cast<Instruction *>(instruction));
}

void Watch(qemu_plugin_insn *insn, qemu_plugin_vcpu_udata_cb_t callback, void *data) {
  qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_NO_REGS, data);
}

void OnLoaded(unsigned, void *);

void WatchAll(qemu_plugin_id_t, qemu_plugin_tb *tb) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
    qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    if (!IsKernel(qemu_plugin_insn_vaddr(insn))) continue;
    Instruction *instruction = observer.Find(insn);
    switch (MarkerOf(*instruction)) {
      case Marker::kLoaded:
        Watch(insn, OnLoaded, nullptr);
        break;
      case Marker::kBegin:
        Watch(insn, OnBegin, nullptr);
        break;
      case Marker::kEnd:
        Watch(insn, OnEnd, nullptr);
        break;
      case Marker::kNone:
        Watch(insn, OnExecuted, instruction);
    }
  }
}

// Until the module is there, only its arrival is watched for: a boot is billions of
// instructions, and none of them is ours.
void WatchForModule(qemu_plugin_id_t, qemu_plugin_tb *tb) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
    qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    if (qemu_plugin_insn_size(insn) != 8 || !IsKernel(qemu_plugin_insn_vaddr(insn))) continue;
    if (MarkerOf(*observer.Find(insn)) == Marker::kLoaded) Watch(insn, OnLoaded, nullptr);
  }
}

void Rearm(qemu_plugin_id_t id) { qemu_plugin_register_vcpu_tb_trans_cb(id, WatchAll); }

void OnLoaded(unsigned, void *) {
  static bool armed = false;
  observer.Loaded();
  if (armed) return;
  armed = true;
  // Throws away what was translated without us; takes effect before the module is used.
  qemu_plugin_reset(plugin_id, Rearm);
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const qemu_info_t *, int argc,
                                                               char **argv) {
  constexpr char kOut[] = "out=";
  if (argc != 1 || std::strncmp(argv[0], kOut, sizeof(kOut) - 1) != 0) {
    std::fprintf(stderr, "observer: give out=FILE\n");
    return -1;
  }
  const char *path = argv[0] + sizeof(kOut) - 1;
  if (!observer.Open(path)) {
    std::perror(path);
    return -1;
  }
  plugin_id = id;
  qemu_plugin_register_vcpu_tb_trans_cb(id, WatchForModule);
  return 0;
}

}  // extern "C"
