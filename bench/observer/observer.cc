// SPDX-License-Identifier: Apache-2.0
//
// A QEMU plugin that counts, from outside the guest, what runs in timed windows: instructions by
// address, and WRMSRs. It only sees the instructions that the emulator executes, and recognizes
// windows by the marker NOPs around them. So it shares no counter and no clock with the code under
// test.
//
// Windows are those of kmapbench.ko (kernel-bench-module/sample.c), or of a user program
// (bench/common/markers.h). Their markers have different numbers. Markers of kernel windows count
// only in the kernel, those of user windows only in user space. At most one window is open; an end
// marker of the other kind is ignored. Everything between the two markers is counted, in kernel and
// user space: the thread that opened the window, interrupts, and any other thread that runs
// meanwhile.
//
// Callers are found by the memory to which calls write a return address, and from which returns
// read it. This is right across context switches and with return thunks, too. The code of an
// interrupt or exception has the callers of the code that it interrupted.
//
// An instruction whose access faults has begun, but is not completed. It is not counted, as it is
// not by a CPU's counters. This is done for moves only: no other instruction is expected to fault
// in a window.
//
// qemu-system-x86_64 -plugin .../libobserver-VERSION.so,out=FILE
//
// VERSION is the version of the plugin interface that this build declares. It has to be the oldest
// that QEMU still loads; QEMU names it when it refuses an older one (lab/vm/plugin_api.py). Without
// out=FILE the plugin prints which versions QEMU supports, and does not load.
//
// For each window FILE gets a JSON object: {"space": "kernel" or "user", "window": i,
// "instructions": n, "wrmsr": n, "frames": [[frame of the caller, address of the call], ...],
// "pcs": [[address, executions, "bytes", frame], ...]}. Frame 0 is the code in which the window
// began, and all code whose callers are not known. The list of frames begins with frame 1. Windows
// of each kind are numbered from 0, again after each load of the module and each start of a program
// that has some. There may be only one vCPU.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "qemu_plugin.h"

namespace {

QemuPlugin qemu;

constexpr size_t kMaxInstructionBytes = 15;

enum class Kind { kOther, kCall, kReturn, kMove };

struct Instruction {
  uint64_t address = 0;
  std::array<uint8_t, kMaxInstructionBytes> bytes{};
  size_t size = 0;
  Kind kind = Kind::kOther;
  // A cache of the entry in Observer::executions_ for the window and frame where it ran last.
  uint64_t window = UINT64_MAX;
  uint32_t frame = 0;
  uint64_t* executions = nullptr;

  bool Is(const uint8_t* other, size_t other_size) const {
    return size == other_size && std::equal(bytes.begin(), bytes.begin() + size, other);
  }
  // Also with a segment prefix, which changes nothing: Linux has one where WRMSRNS, which is
  // longer, is put in its place on CPUs that have that.
  bool IsWrmsr() const {
    constexpr std::array<uint8_t, 6> kPrefixes = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    constexpr std::array<uint8_t, 2> kWrmsr = {0x0f, 0x30};
    const auto end = bytes.begin() + size;
    const auto opcode = std::find_if(bytes.begin(), end, [&](uint8_t byte) {
      return std::find(kPrefixes.begin(), kPrefixes.end(), byte) == kPrefixes.end();
    });
    return std::equal(opcode, end, kWrmsr.begin(), kWrmsr.end());
  }
};

// Whether a near call with this displacement goes to the instruction behind it, as one that only
// pushes an address: nothing returns from there.
bool IsToNext(const uint8_t* displacement, const uint8_t* end) {
  return std::all_of(displacement, end, [](uint8_t byte) { return byte == 0; });
}

// Recognizes calls and returns within a privilege level, and moves between a register (or a
// constant) and memory (Intel SDM, volume 2, appendix A).
Kind KindOf(const Instruction& instruction) {
  const uint8_t* at = instruction.bytes.data();
  const uint8_t* end = at + instruction.size;
  constexpr std::array<uint8_t, 6> kPrefixes = {0x2e, 0x3e, 0x64, 0x65, 0x66, 0xf2};
  while (at < end && std::find(kPrefixes.begin(), kPrefixes.end(), *at) != kPrefixes.end()) ++at;
  if (at < end && (*at & 0xf0) == 0x40) ++at;  // REX
  if (at == end) return Kind::kOther;
  const uint8_t opcode = *at++;
  if (opcode == 0xe8) return IsToNext(at, end) ? Kind::kOther : Kind::kCall;
  if (opcode == 0xc3 || opcode == 0xc2) return Kind::kReturn;
  if (at == end) return Kind::kOther;
  const auto in_memory = [](uint8_t modrm) { return modrm >> 6 != 3; };
  if (opcode == 0xff) return (*at >> 3 & 7) == 2 ? Kind::kCall : Kind::kOther;
  if ((opcode >= 0x88 && opcode <= 0x8b) || opcode == 0xc6 || opcode == 0xc7) {
    return in_memory(*at) ? Kind::kMove : Kind::kOther;
  }
  if (opcode == 0x0f && end - at >= 2) {
    const uint8_t second = *at++;
    const bool extends = (second & 0xf6) == 0xb6;  // MOVZX, MOVSX
    if (extends && in_memory(*at)) return Kind::kMove;
  }
  return Kind::kOther;
}

enum class Space { kKernel, kUser };

// Supervisor code is in the upper half of the address space.
Space SpaceOf(uint64_t address) { return address >> 63 ? Space::kKernel : Space::kUser; }

enum class Marker { kNone, kPresent, kBegin, kEnd };

Marker MarkerOf(const Instruction& instruction) {
  constexpr std::array<uint8_t, 4> kNop = {0x0f, 0x1f, 0x84, 0x00};
  constexpr std::array<uint8_t, 3> kSign = {0x62, 0x6d, 0x6b};
  const auto& bytes = instruction.bytes;
  if (instruction.size != 8 || !std::equal(kNop.begin(), kNop.end(), bytes.begin()) ||
      !std::equal(kSign.begin(), kSign.end(), bytes.begin() + 5)) {
    return Marker::kNone;
  }
  constexpr std::array<Marker, 3> kMarkers = {Marker::kPresent, Marker::kBegin, Marker::kEnd};
  const unsigned first = SpaceOf(instruction.address) == Space::kKernel ? 1 : 4;
  const unsigned at = bytes[4] - first;  // wraps below the first
  return at < kMarkers.size() ? kMarkers[at] : Marker::kNone;
}

// Counts what runs in windows, and writes an object for each window.
class Observer {
 public:
  // Opens the file to write to. Returns whether that worked; if not, errno says why.
  bool Open(const char* path) {
    out_ = std::fopen(path, "w");
    return out_ != nullptr;
  }

  // Returns the only object for an instruction at its address. After the module was loaded again,
  // another instruction may be there.
  Instruction* Find(const qemu_plugin_insn* insn) {
    Instruction found;
    found.address = qemu_plugin_insn_vaddr(insn);
    found.size = qemu.InsnData(insn, found.bytes.data(), found.bytes.size());
    for (auto [at, end] = known_.equal_range(found.address); at != end; ++at) {
      if (at->second->Is(found.bytes.data(), found.size)) return at->second.get();
    }
    found.kind = KindOf(found);
    return known_.emplace(found.address, std::make_unique<Instruction>(found))->second.get();
  }

  // A module or program with windows has announced itself.
  void Present(Space space) { windows_[space] = 0; }

  // A marker: a window begins.
  void Begin(Space space) {
    open_ = true;
    space_ = space;
    ++opened_;
    executions_.clear();
    frames_.clear();
    called_.clear();
    return_addresses_.clear();
    frame_ = 0;
    begun_ = nullptr;
  }

  // An instruction is about to be executed.
  void Executed(Instruction* instruction) {
    if (!open_) return;
    TakeBackFaulted();
    if (instruction->window != opened_ || instruction->frame != frame_) {
      instruction->window = opened_;
      instruction->frame = frame_;
      instruction->executions = &executions_[{frame_, instruction}];
    }
    ++*instruction->executions;
    if (instruction->kind == Kind::kMove) begun_ = instruction;
  }

  // An instruction has accessed memory at an address.
  void Accessed(const Instruction* instruction, uint64_t address, bool store) {
    if (!open_) return;
    switch (instruction->kind) {
      case Kind::kMove:
        begun_ = nullptr;
        break;
      case Kind::kCall:
        // an indirect call also reads its target
        if (store) Called(instruction->address, address);
        break;
      case Kind::kReturn:
        Returned(address);
        break;
      case Kind::kOther:
        break;
    }
  }

  // A marker: the window of that kind, if it is open, ends. Writes what was counted.
  void End(Space space) {
    if (!open_ || space != space_) return;
    TakeBackFaulted();
    open_ = false;
    uint64_t instructions = 0, wrmsr = 0;
    std::string pcs;
    for (const auto& [where, executions] : executions_) {
      const auto [frame, instruction] = where;
      instructions += executions;
      if (instruction->IsWrmsr()) wrmsr += executions;
      if (executions != 0) Append(pcs, *instruction, executions, frame);
    }
    std::string frames;
    for (const auto& [caller, address] : frames_) Append(frames, caller, address);
    std::fprintf(out_,
                 "{\"space\": \"%s\", \"window\": %llu, \"instructions\": %llu, \"wrmsr\": %llu, "
                 "\"frames\": [%s], \"pcs\": [%s]}\n",
                 space == Space::kKernel ? "kernel" : "user",
                 static_cast<unsigned long long>(windows_[space]++),
                 static_cast<unsigned long long>(instructions),
                 static_cast<unsigned long long>(wrmsr), frames.c_str(), pcs.c_str());
    std::fflush(out_);
  }

 private:
  using Frame = uint32_t;
  using Call = std::pair<Frame, uint64_t>;  // the caller's frame, the address of the call

  // Called when something else runs: a move that has made no access by then has faulted.
  void TakeBackFaulted() {
    if (begun_ != nullptr) --*begun_->executions;
    begun_ = nullptr;
  }

  void Called(uint64_t from, uint64_t return_address) {
    const Call call{frame_, from};
    return_addresses_[return_address] = frame_;
    const auto [at, is_new] = called_.try_emplace(call, static_cast<Frame>(frames_.size()) + 1);
    if (is_new) frames_.push_back(call);
    frame_ = at->second;
  }

  void Returned(uint64_t return_address) {
    const auto caller = return_addresses_.find(return_address);
    frame_ = caller == return_addresses_.end() ? 0 : caller->second;
  }

  static void Append(std::string& frames, Frame caller, uint64_t address) {
    char text[64];
    std::snprintf(text, sizeof(text), "%s[%u, %llu]", frames.empty() ? "" : ", ", caller,
                  static_cast<unsigned long long>(address));
    frames += text;
  }

  static void Append(std::string& pcs, const Instruction& instruction, uint64_t executions,
                     Frame frame) {
    char text[64];
    std::snprintf(text, sizeof(text), "%s[%llu, %llu, \"", pcs.empty() ? "" : ", ",
                  static_cast<unsigned long long>(instruction.address),
                  static_cast<unsigned long long>(executions));
    pcs += text;
    for (size_t i = 0; i < instruction.size; ++i) {
      std::snprintf(text, sizeof(text), "%02x", instruction.bytes[i]);
      pcs += text;
    }
    std::snprintf(text, sizeof(text), "\", %u]", frame);
    pcs += text;
  }

  std::FILE* out_ = nullptr;
  std::unordered_multimap<uint64_t, std::unique_ptr<Instruction>> known_;
  std::map<Space, uint64_t> windows_;  // since the module or program announced itself
  bool open_ = false;

  // The open window.
  Space space_ = Space::kKernel;
  uint64_t opened_ = 0;  // its number since the start
  std::map<std::pair<Frame, Instruction*>, uint64_t> executions_;
  std::vector<Call> frames_;
  std::map<Call, Frame> called_;
  std::unordered_map<uint64_t, Frame> return_addresses_;  // address where it is: the caller's frame
  Frame frame_ = 0;
  Instruction* begun_ = nullptr;  // a move that has not made its access yet
};

Observer observer;

Space spaces[] = {Space::kKernel, Space::kUser};  // what callbacks get as their data

void OnBegin(unsigned, void* space) { observer.Begin(*static_cast<Space*>(space)); }
void OnEnd(unsigned, void* space) { observer.End(*static_cast<Space*>(space)); }
void OnExecuted(unsigned, void* instruction) {
  observer.Executed(static_cast<Instruction*>(instruction));
}

void OnAccessed(unsigned, qemu_plugin_meminfo_t info, uint64_t address, void* instruction) {
  observer.Accessed(static_cast<Instruction*>(instruction), address,
                    qemu_plugin_mem_is_store(info));
}

void Watch(qemu_plugin_insn* insn, qemu_plugin_vcpu_udata_cb_t callback, void* data) {
  qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_NO_REGS, data);
}

void OnPresent(unsigned, void* space);

void WatchAll(qemu_plugin_tb* tb) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
    qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
    Instruction* instruction = observer.Find(insn);
    Space* space = &spaces[static_cast<size_t>(SpaceOf(instruction->address))];
    switch (MarkerOf(*instruction)) {
      case Marker::kPresent:
        Watch(insn, OnPresent, space);
        break;
      case Marker::kBegin:
        Watch(insn, OnBegin, space);
        break;
      case Marker::kEnd:
        Watch(insn, OnEnd, space);
        break;
      case Marker::kNone:
        Watch(insn, OnExecuted, instruction);
        if (instruction->kind == Kind::kOther) break;
        qemu_plugin_register_vcpu_mem_cb(insn, OnAccessed, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, instruction);
    }
  }
}

// Only watches for a module or program that announces itself. Until then nothing has to be counted,
// and a boot executes billions of instructions.
void WatchForPresence(qemu_plugin_tb* tb) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); ++i) {
    qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
    if (qemu_plugin_insn_size(insn) != 8) continue;
    Instruction* instruction = observer.Find(insn);
    if (MarkerOf(*instruction) != Marker::kPresent) continue;
    Watch(insn, OnPresent, &spaces[static_cast<size_t>(SpaceOf(instruction->address))]);
  }
}

void Rearm() { qemu.OnTranslated<WatchAll>(); }

void OnPresent(unsigned, void* space) {
  static bool armed = false;
  observer.Present(*static_cast<Space*>(space));
  if (armed) return;
  armed = true;
  // Makes QEMU translate everything again with our callbacks. Takes effect before the first window.
  qemu.Reset<Rearm>();
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const qemu_info_t* info, int argc,
                                                               char** argv) {
  constexpr char kOut[] = "out=";
  if (argc != 1 || std::strncmp(argv[0], kOut, sizeof(kOut) - 1) != 0) {
    std::fprintf(stderr, "observer: plugin interface %d to %d; give out=FILE\n", info->version.min,
                 info->version.cur);
    return -1;
  }
  const char* path = argv[0] + sizeof(kOut) - 1;
  if (!observer.Open(path)) {
    std::perror(path);
    return -1;
  }
  qemu.Use(id, *info);
  qemu.OnTranslated<WatchForPresence>();
  return 0;
}

}  // extern "C"
