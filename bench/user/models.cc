// SPDX-License-Identifier: Apache-2.0
//
// The table of user models.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>

#include "user/model.h"
#include "user/protection.h"
#include "user/register_write.h"

namespace kmapbench::user {

void Reschedule() {}

namespace {

// Pages of a world that mixes them: enough for one in a hundred, and in the second cache.
constexpr size_t kSharedPages = 1024;

// In a model's name: each pair by itself, the next one waits for it.
constexpr const char* kAlone = "/alone";

// A working set by name, in bytes: half of a cache stays in it, four times the last one does not.
struct Set {
  const char* name;
  size_t bytes;
};

std::array<Set, 5> Sets() {
  const auto cache = [](int level) { return static_cast<size_t>(std::max(sysconf(level), 0L)); };
  const size_t second = cache(_SC_LEVEL2_CACHE_SIZE);
  const size_t last = std::max(cache(_SC_LEVEL3_CACHE_SIZE), second);
  return {{{"page", 0},
           {"l1", cache(_SC_LEVEL1_DCACHE_SIZE) / 2},
           {"l2", second / 2},
           {"llc", last / 2},
           {"memory", 4 * last}}};
}

// Spots of a set of which each takes some bytes: a power of two, at least one.
size_t Spots(const Set& set, size_t bytes_a_spot) {
  return std::bit_floor(std::max<size_t>(set.bytes / bytes_a_spot, 1));
}

AddressSpacePlan PlanFor(Pages pages) {
  AddressSpacePlan plan;
  plan.pages = pages;
  return plan;
}

template <class Path>
void* MapBy(PageDescriptor* page) {
  return Path::Map(page);
}

template <class Path>
void UnmapBy(void* address) {
  Path::Unmap(address);
}

template <class Path>
Model ModelOf(const std::string& name, Body body, Pages pages) {
  Model model;
  model.name = name;
  model.body = body;
  model.map = MapBy<Path>;
  model.unmap = UnmapBy<Path>;
  model.address_space = PlanFor(pages);
  return model;
}

class Table {
 public:
  explicit Table(unsigned cpus) : cpus_(cpus) {}

  std::vector<Model> Rows() {
    Model empty;
    empty.name = "user/empty";
    empty.in_default_set = true;
    rows_.push_back(empty);
    Model wait = empty;
    wait.name += kAlone;
    wait.body = WaitBody;
    rows_.push_back(wait);
    AddForm<AsPublished>("user/kmap_local");
    AddForm<Slim>("user/kmap_local_slim");
    AddDesign<AskingKeyFirst>("user/kmap_local_key_first");
    AddDesign<Inlined>("user/kmap_local_inline");
    AddDesign<CountingByCpu>("user/kmap_local_count_by_cpu");
    AddDesign<WritingAlways>("user/kmap_local_write_always");
    AddDesign<ClosingAtSwitch>("user/kmap_local_close_at_switch");
    AddSwitch<ClosingAtSwitch>("user/kmap_local_close_at_switch");
    AddKnown();
    return std::move(rows_);
  }

 private:
  Model& Add(Model model) { return rows_.emplace_back(std::move(model)); }

  template <class Pace, class Design, class Register>
  static Model Protected(const std::string& state, const char* name) {
    using OnPath = Path<Design, KeyOn, Register>;
    return ModelOf<OnPath>(state + "/" + name, PairBody<OnPath, NoTouch, Pace>, Pages::kProtected);
  }

  template <class Design>
  void AddDesign(const std::string& form, bool in_default_set = false) {
    AddStates<Overlapping, Design>(form, "", in_default_set);
    AddStates<OneByOne, Design>(form, kAlone, in_default_set);
  }

  // The five states, the register being left alone where it would be written.
  template <class Pace, class Design>
  void AddStates(const std::string& form, const std::string& pace, bool in_default_set) {
    using Off = Path<Design, KeyOff, NoWrite>;
    using On = Path<Design, KeyOn, NoWrite>;
    const auto add = [this, in_default_set](Model model, unsigned depth = 0) {
      model.in_default_set = in_default_set;
      model.depth = depth;
      Add(model);
    };
    constexpr Body kOff = PairBody<Off, NoTouch, Pace>;
    constexpr Body kOn = PairBody<On, NoTouch, Pace>;
    add(ModelOf<Off>(form + "/key_off" + pace, kOff, Pages::kMemory));
    add(ModelOf<On>(form + "/dram" + pace, kOn, Pages::kMemory));
    add(ModelOf<On>(form + "/devmap" + pace, kOn, Pages::kDevice));
    add(Protected<Pace, Design, NoWrite>(form + "/protected" + pace, "nowrite"));
    add(ModelOf<On>(form + "/protected_nested" + pace, kOn, Pages::kProtected), 1);
  }

  template <class Design>
  void AddForm(const std::string& form) {
    AddDesign<Design>(form, true);
    AddRegisters<Overlapping, Design>(form + "/protected");
    AddRegisters<OneByOne, Design>(form + "/protected" + kAlone);
    AddNested<Design>(form);
    AddTouches<Design, Read8>(form, "read8");
    AddTouches<Design, Write8>(form, "write8");
    AddTouches<Design, CopyOut<kLineBytes>>(form, "copy64_out");
    AddTouches<Design, CopyIn<kLineBytes>>(form, "copy64_in");
    AddTouches<Design, CopyOut<kPageBytes>>(form, "copy4k_out");
    AddTouches<Design, CopyIn<kPageBytes>>(form, "copy4k_in");
    for (const Set& set : Sets()) AddSet<Design>(form, set);
    for (const unsigned percent : {0u, 1u, 10u, 50u, 100u}) AddShare<Design>(form, percent);
    for (unsigned threads = 2; threads < 2 * cpus_; threads *= 2) {
      AddThreads<Design>(form, std::min(threads, cpus_));
    }
  }

  template <class Pace, class Design>
  void AddRegisters(const std::string& state) {
    Model wrpkru = Protected<Pace, Design, Wrpkru>(state, "wrpkru");
    wrpkru.in_default_set = wrpkru.uses_pkru = wrpkru.address_space.keyed = true;
    Add(wrpkru);
    Model delay = Protected<Pace, Design, Delay>(state, "delay");
    delay.in_default_set = true;
    delay.without_write = PairBody<Path<Design, KeyOn, NoWrite>, NoTouch, Pace>;
    Add(delay);
    Add(Protected<Pace, Design, Serialising>(state, "serialising")).stand_in = true;
    Add(Protected<Pace, Design, NonSerialising>(state, "nonserialising")).stand_in = true;
  }

  template <class Design>
  void AddNested(const std::string& form) {
    using On = Path<Design, KeyOn, NoWrite>;
    for (const unsigned depth : {3u, 4u}) {
      Model model = ModelOf<On>(form + "/protected_nested/depth" + std::to_string(depth),
                                PairBody<On, NoTouch>, Pages::kProtected);
      model.depth = depth - 1;
      Add(model);
    }
  }

  template <class Design, class Touch>
  void AddTouches(const std::string& form, const std::string& touch) {
    using On = Path<Design, KeyOn, NoWrite>;
    Add(ModelOf<On>(form + "/dram/" + touch, PairBody<On, Touch>, Pages::kMemory));
    Add(ModelOf<On>(form + "/devmap/" + touch, PairBody<On, Touch>, Pages::kDevice));
    Add(ModelOf<On>(form + "/protected/" + touch + "/nowrite", PairBody<On, Touch>,
                    Pages::kProtected));
  }

  template <class OnPath, class Order, class What, class Pace>
  Model& AddRound(const std::string& name, Pages pages, size_t spots) {
    Model model = ModelOf<OnPath>(name, RoundBody<OnPath, Order, What, Pace>, pages);
    model.address_space.count = spots;
    model.address_space.data_bytes = 0;
    model.spots = spots;
    return Add(model);
  }

  template <class Design>
  void AddSet(const std::string& form, const Set& set) {
    using Off = Path<Design, KeyOff, NoWrite>;
    using On = Path<Design, KeyOn, NoWrite>;
    const std::string name = std::string("/") + set.name;
    const std::string nowrite = name + "/nowrite";
    const size_t lines = Spots(set, kLineBytes);
    const std::string one = "/descriptors";
    AddRound<Off, Scattered, Descriptors, OneByOne>(form + "/key_off" + one + name, Pages::kMemory,
                                                    lines);
    AddRound<On, Scattered, Descriptors, OneByOne>(form + "/dram" + one + name, Pages::kMemory,
                                                   lines);
    AddRound<On, Scattered, Descriptors, OneByOne>(form + "/devmap" + one + name, Pages::kDevice,
                                                   lines);
    AddRound<On, Scattered, Descriptors, OneByOne>(form + "/protected" + one + nowrite,
                                                   Pages::kProtected, lines);
    AddRound<On, Scattered, Descriptors, OneByOne>(form + "/protected_nested" + one + name,
                                                   Pages::kProtected, lines)
        .depth = 1;
    AddDataSets<On>(form + "/dram", name, Pages::kMemory, set);
    AddDataSets<On>(form + "/protected", nowrite, Pages::kProtected, set);
  }

  template <class OnPath>
  void AddDataSets(const std::string& state, const std::string& rest, Pages pages, const Set& set) {
    Model& data = AddRound<OnPath, Scattered, Data, Overlapping>(state + "/data" + rest, pages, 1);
    data.spots = Spots(set, kLineBytes);
    data.address_space.data_bytes = data.spots * kLineBytes;
    const size_t spots = Spots(set, 2 * kLineBytes);
    AddRound<OnPath, Scattered, DescriptorsAndData, Overlapping>(state + "/throughput" + rest,
                                                                 pages, spots)
        .address_space.data_bytes = spots * kPageBytes;
    AddRound<OnPath, Scattered, DescriptorsAndData, OneByOne>(state + "/latency" + rest, pages,
                                                              spots)
        .address_space.data_bytes = spots * kPageBytes;
    AddRound<OnPath, Sequential, DescriptorsAndData, Overlapping>(state + "/sequential" + rest,
                                                                  pages, spots)
        .address_space.data_bytes = spots * kPageBytes;
  }

  template <class Design>
  void AddShare(const std::string& form, unsigned percent) {
    using On = Path<Design, KeyOn, NoWrite>;
    AddRound<On, Scattered, Descriptors, Overlapping>(
        form + "/share" + std::to_string(percent) + "/nowrite", Pages::kShared, kSharedPages)
        .address_space.protected_percent = percent;
  }

  template <class Design>
  void AddThreads(const std::string& form, unsigned threads) {
    using On = Path<Design, KeyOn, NoWrite>;
    const std::string name = "/threads" + std::to_string(threads);
    Add(ModelOf<On>(form + "/dram" + name, PairBody<On, NoTouch>, Pages::kMemory)).threads =
        threads;
    Add(ModelOf<On>(form + "/protected" + name + "/nowrite", PairBody<On, NoTouch>,
                    Pages::kProtected))
        .threads = threads;
  }

  template <class Design>
  void AddSwitch(const std::string& form) {
    using On = Path<Design, KeyOn, NoWrite>;
    Add(ModelOf<On>(form + "/protected/switch/nowrite", SwitchBody<On>, Pages::kProtected));
  }

  void AddKnown() {
    const auto add = [this](const char* name, Body body) {
      Model model;
      model.name = name;
      model.body = body;
      Add(model);
    };
    add("user/known/adds13", AddsBody<13>);
    add("user/known/adds15", AddsBody<15>);
    add("user/known/adds100", AddsBody<100>);
    add("user/known/adds103", AddsBody<103>);
    add("user/known/adds1000", AddsBody<1000>);
    add("user/known/multiplications1000", MultiplicationsBody<1000>);
    for (const Set& set : Sets()) {
      Model model;
      model.name = std::string("user/known/lines/") + set.name;
      model.body = LinesBody;
      model.spots = model.address_space.count = Spots(set, kLineBytes);
      model.address_space.data_bytes = 0;
      Add(model);
    }
  }

  unsigned cpus_;
  std::vector<Model> rows_;
};

}  // namespace

std::vector<Model> Models(unsigned cpus) { return Table(cpus).Rows(); }

std::vector<Model> Controls() {
  std::vector<Model> controls;
  const auto add = [&controls](const char* name, Body body, Known known) {
    Model model;
    model.name = name;
    model.body = body;
    model.known = known;
    controls.push_back(model);
  };
  constexpr uint32_t kCallAndReturn = 2;
  add("user/control/adds13", ControlBody<13>, {13, 13});
  add("user/control/adds13_call", ControlCallBody<13>, {13 + kCallAndReturn, 13});
  add("user/control/adds100", ControlBody<100>, {100, 100});
  add("user/control/adds100_call", ControlCallBody<100>, {100 + kCallAndReturn, 100});
  return controls;
}

std::vector<LoopBody> LoopBodies() {
  // More threads share the bodies of two.
  constexpr unsigned kThreads = 2;
  const auto begin = [](Body body) { return reinterpret_cast<const unsigned char*>(body); };
  std::vector<LoopBody> bodies = {{"user/empty", begin(EmptyBody)}};
  const auto add = [&](const Model& model) {
    bodies.push_back({model.name, begin(model.body)});
    if (model.without_write) {
      bodies.push_back({model.name + " without its write", begin(model.without_write)});
    }
  };
  for (const Model& model : Models(kThreads)) add(model);
  for (const Model& model : Controls()) add(model);
  return bodies;
}

std::string SkipReason(const Model& model) {
  if (model.uses_pkru && !ProtectionSkipReason().empty()) return ProtectionSkipReason();
  return SkipReason(model.address_space);
}

}  // namespace kmapbench::user
