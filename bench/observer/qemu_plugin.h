/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of QEMU's TCG plugin interface that we use, versions 0 (QEMU 4.2) to 7 (QEMU 11.1). It
 * is declared here because distributions do not package QEMU's own header.  The functions are those
 * of the emulator that loads us.
 *
 * Three functions changed their signature.  They are declared without one, and QemuPlugin calls
 * them with that of the running QEMU: it depends on the newest version that QEMU supports
 * (qemu_info_t), not on the one that we declare.
 *   since 3   insn_data copies the bytes into a buffer; before, it returned a pointer to them
 *   since 7   tb_trans_cb and reset take user data for their callbacks, which get it as their
 *             last argument, and no longer get the plugin's id
 */
#ifndef KMAPBENCH_QEMU_PLUGIN_H
#define KMAPBENCH_QEMU_PLUGIN_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

extern "C" {

using qemu_plugin_id_t = uint64_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

// The beginning of the structure that install() gets.
struct qemu_info_t {
  const char* target_name;
  struct {
    int min;
    int cur;
  } version;
};

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };
using qemu_plugin_meminfo_t = uint32_t;

using qemu_plugin_vcpu_udata_cb_t = void (*)(unsigned vcpu, void*);
using qemu_plugin_vcpu_mem_cb_t = void (*)(unsigned vcpu, qemu_plugin_meminfo_t, uint64_t address,
                                           void*);

void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, qemu_plugin_vcpu_udata_cb_t,
                                            qemu_plugin_cb_flags, void*);
void qemu_plugin_register_vcpu_mem_cb(qemu_plugin_insn*, qemu_plugin_vcpu_mem_cb_t,
                                      qemu_plugin_cb_flags, qemu_plugin_mem_rw, void*);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t);
size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb*, size_t);
size_t qemu_plugin_insn_size(const qemu_plugin_insn*);
uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn*);

void qemu_plugin_insn_data();
void qemu_plugin_register_vcpu_tb_trans_cb();
void qemu_plugin_reset();

}  // extern "C"

// Calls the functions whose signature depends on the running QEMU.
class QemuPlugin {
 public:
  using Translated = void (*)(qemu_plugin_tb*);
  using Done = void (*)();

  // To be called in install(), before anything else.
  void Use(qemu_plugin_id_t id, const qemu_info_t& info) {
    id_ = id;
    version_ = info.version.cur;
  }

  // Copies the bytes of an instruction, at most `room`, and returns how many.
  size_t InsnData(const qemu_plugin_insn* insn, uint8_t* bytes, size_t room) const {
    const size_t size = std::min(qemu_plugin_insn_size(insn), room);
    if (version_ >= 3) {
      using Copy = size_t (*)(const qemu_plugin_insn*, void*, size_t);
      return reinterpret_cast<Copy>(qemu_plugin_insn_data)(insn, bytes, size);
    }
    using Get = const void* (*)(const qemu_plugin_insn*);
    std::memcpy(bytes, reinterpret_cast<Get>(qemu_plugin_insn_data)(insn), size);
    return size;
  }

  // Makes QEMU call callback for each block of instructions that it translates.
  template <Translated callback>
  void OnTranslated() const {
    if (version_ >= 7) {
      using Callback = void (*)(qemu_plugin_tb*, void*);
      using Register = void (*)(qemu_plugin_id_t, Callback, void*);
      reinterpret_cast<Register>(qemu_plugin_register_vcpu_tb_trans_cb)(
          id_, [](qemu_plugin_tb* tb, void*) { callback(tb); }, nullptr);
    } else {
      using Callback = void (*)(qemu_plugin_id_t, qemu_plugin_tb*);
      using Register = void (*)(qemu_plugin_id_t, Callback);
      reinterpret_cast<Register>(qemu_plugin_register_vcpu_tb_trans_cb)(
          id_, [](qemu_plugin_id_t, qemu_plugin_tb* tb) { callback(tb); });
    }
  }

  // Removes all callbacks and all translated blocks, and then calls done.
  template <Done done>
  void Reset() const {
    if (version_ >= 7) {
      using Callback = void (*)(void*);
      using Reset = void (*)(qemu_plugin_id_t, Callback, void*);
      reinterpret_cast<Reset>(qemu_plugin_reset)(
          id_, [](void*) { done(); }, nullptr);
    } else {
      using Callback = void (*)(qemu_plugin_id_t);
      using Reset = void (*)(qemu_plugin_id_t, Callback);
      reinterpret_cast<Reset>(qemu_plugin_reset)(id_, [](qemu_plugin_id_t) { done(); });
    }
  }

 private:
  qemu_plugin_id_t id_ = 0;
  int version_ = 0;
};

#endif /* KMAPBENCH_QEMU_PLUGIN_H */
