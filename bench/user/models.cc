// SPDX-License-Identifier: Apache-2.0
//
// The table of user models.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "user/model.h"
#include "user/protection.h"
#include "user/register_write.h"

namespace kmapbench::user {

void Reschedule() {}

namespace {

// Pages of a mixture of protected and other pages: enough for one in a hundred, few enough for the
// second-level cache.
constexpr size_t kSharedPages = 1024;

// In a model's name: each pair ends before the next one begins.
constexpr const char* kAlone = "/alone";

// A named working set. Half of a cache stays in that cache; four times the last one does not.
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

// Number of spots in a set, if each takes bytes_per_spot: a power of two, at least 1.
size_t Spots(const Set& set, size_t bytes_per_spot) {
  return std::bit_floor(std::max<size_t>(set.bytes / bytes_per_spot, 1));
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
Model MakeModel(const std::string& name, Body body, Pages pages) {
  Model model;
  model.name = name;
  model.body = body;
  model.map = MapBy<Path>;
  model.unmap = UnmapBy<Path>;
  model.address_space = PlanFor(pages);
  return model;
}

// The table is built row by row.
using Rows = std::vector<Model>;

Model& Add(Rows& rows, Model model) { return rows.emplace_back(std::move(model)); }

// The outermost pair of a protected page, with a register.
template <class Pace, class Design, class Register>
Model Protected(const std::string& state, const char* name) {
  using OnPath = Path<Design, KeyOn, Register>;
  return MakeModel<OnPath>(state + "/" + name, PairBody<OnPath, NoTouch, Pace>, Pages::kProtected);
}

// The five states. Where the register would be written it is left alone.
template <class Pace, class Design>
void AddStates(Rows& rows, const std::string& form, const std::string& pace, bool in_default_set) {
  using Off = Path<Design, KeyOff, NoWrite>;
  using On = Path<Design, KeyOn, NoWrite>;
  const auto add = [&rows, in_default_set](Model model, unsigned depth = 0) {
    model.in_default_set = in_default_set;
    model.depth = depth;
    Add(rows, model);
  };
  constexpr Body kOff = PairBody<Off, NoTouch, Pace>;
  constexpr Body kOn = PairBody<On, NoTouch, Pace>;
  add(MakeModel<Off>(form + "/key_off" + pace, kOff, Pages::kMemory));
  add(MakeModel<On>(form + "/dram" + pace, kOn, Pages::kMemory));
  add(MakeModel<On>(form + "/devmap" + pace, kOn, Pages::kDevice));
  add(Protected<Pace, Design, NoWrite>(form + "/protected" + pace, "nowrite"));
  add(MakeModel<On>(form + "/protected_nested" + pace, kOn, Pages::kProtected), 1);
}

// The five states: with pairs that overlap, and with each pair alone.
template <class Design>
void AddDesign(Rows& rows, const std::string& form, bool in_default_set = false) {
  AddStates<Overlapping, Design>(rows, form, "", in_default_set);
  AddStates<OneByOne, Design>(rows, form, kAlone, in_default_set);
}

// A protected page with each register that stands for IA32_PKRS.
template <class Pace, class Design>
void AddRegisters(Rows& rows, const std::string& state) {
  Model wrpkru = Protected<Pace, Design, Wrpkru>(state, "wrpkru");
  wrpkru.in_default_set = wrpkru.uses_pkru = wrpkru.address_space.keyed = true;
  Add(rows, wrpkru);
  Model delay = Protected<Pace, Design, Delay>(state, "delay");
  delay.in_default_set = true;
  delay.without_write = PairBody<Path<Design, KeyOn, NoWrite>, NoTouch, Pace>;
  Add(rows, delay);
  Add(rows, Protected<Pace, Design, Serialising>(state, "serialising")).stand_in = true;
  Add(rows, Protected<Pace, Design, NonSerialising>(state, "nonserialising")).stand_in = true;
}

// More mappings that are already open.
template <class Design>
void AddNested(Rows& rows, const std::string& form) {
  using On = Path<Design, KeyOn, NoWrite>;
  for (const unsigned depth : {3u, 4u}) {
    Model model = MakeModel<On>(form + "/protected_nested/depth" + std::to_string(depth),
                                PairBody<On, NoTouch>, Pages::kProtected);
    model.depth = depth - 1;
    Add(rows, model);
  }
}

// The page is accessed between map and unmap.
template <class Design, class Touch>
void AddTouches(Rows& rows, const std::string& form, const std::string& touch) {
  using On = Path<Design, KeyOn, NoWrite>;
  Add(rows, MakeModel<On>(form + "/dram/" + touch, PairBody<On, Touch>, Pages::kMemory));
  Add(rows, MakeModel<On>(form + "/devmap/" + touch, PairBody<On, Touch>, Pages::kDevice));
  Add(rows, MakeModel<On>(form + "/protected/" + touch + "/nowrite", PairBody<On, Touch>,
                          Pages::kProtected));
}

// A body that goes round a working set of `spots` descriptors. Returns the row, to be changed.
template <class OnPath, class Order, class What, class Pace>
Model& AddRound(Rows& rows, const std::string& name, Pages pages, size_t spots) {
  Model model = MakeModel<OnPath>(name, RoundBody<OnPath, Order, What, Pace>, pages);
  model.address_space.count = spots;
  model.address_space.data_bytes = 0;
  model.spots = spots;
  return Add(rows, model);
}

// Working sets of data, and of data together with their descriptors.
template <class OnPath>
void AddDataSets(Rows& rows, const std::string& state, const std::string& rest, Pages pages,
                 const Set& set) {
  Model& data =
      AddRound<OnPath, Scattered, Data, Overlapping>(rows, state + "/data" + rest, pages, 1);
  data.spots = Spots(set, kLineBytes);
  data.address_space.data_bytes = data.spots * kLineBytes;
  const size_t spots = Spots(set, 2 * kLineBytes);
  AddRound<OnPath, Scattered, DescriptorsAndData, Overlapping>(rows, state + "/throughput" + rest,
                                                               pages, spots)
      .address_space.data_bytes = spots * kPageBytes;
  AddRound<OnPath, Scattered, DescriptorsAndData, OneByOne>(rows, state + "/latency" + rest, pages,
                                                            spots)
      .address_space.data_bytes = spots * kPageBytes;
  AddRound<OnPath, Sequential, DescriptorsAndData, Overlapping>(rows, state + "/sequential" + rest,
                                                                pages, spots)
      .address_space.data_bytes = spots * kPageBytes;
}

// A working set in all its forms.
template <class Design>
void AddSet(Rows& rows, const std::string& form, const Set& set) {
  using Off = Path<Design, KeyOff, NoWrite>;
  using On = Path<Design, KeyOn, NoWrite>;
  const std::string name = std::string("/") + set.name;
  const std::string nowrite = name + "/nowrite";
  const size_t lines = Spots(set, kLineBytes);
  const std::string descriptors = "/descriptors";
  AddRound<Off, Scattered, Descriptors, OneByOne>(rows, form + "/key_off" + descriptors + name,
                                                  Pages::kMemory, lines);
  AddRound<On, Scattered, Descriptors, OneByOne>(rows, form + "/dram" + descriptors + name,
                                                 Pages::kMemory, lines);
  AddRound<On, Scattered, Descriptors, OneByOne>(rows, form + "/devmap" + descriptors + name,
                                                 Pages::kDevice, lines);
  AddRound<On, Scattered, Descriptors, OneByOne>(rows, form + "/protected" + descriptors + nowrite,
                                                 Pages::kProtected, lines);
  AddRound<On, Scattered, Descriptors, OneByOne>(
      rows, form + "/protected_nested" + descriptors + name, Pages::kProtected, lines)
      .depth = 1;
  AddDataSets<On>(rows, form + "/dram", name, Pages::kMemory, set);
  AddDataSets<On>(rows, form + "/protected", nowrite, Pages::kProtected, set);
}

// A mixture: so many percent of the pages are protected.
template <class Design>
void AddShare(Rows& rows, const std::string& form, unsigned percent) {
  using On = Path<Design, KeyOn, NoWrite>;
  AddRound<On, Scattered, Descriptors, Overlapping>(
      rows, form + "/share" + std::to_string(percent) + "/nowrite", Pages::kShared, kSharedPages)
      .address_space.protected_percent = percent;
}

// Several threads at once, each on a CPU of its own.
template <class Design>
void AddThreads(Rows& rows, const std::string& form, unsigned threads) {
  using On = Path<Design, KeyOn, NoWrite>;
  const std::string name = "/threads" + std::to_string(threads);
  Add(rows, MakeModel<On>(form + "/dram" + name, PairBody<On, NoTouch>, Pages::kMemory)).threads =
      threads;
  Add(rows, MakeModel<On>(form + "/protected" + name + "/nowrite", PairBody<On, NoTouch>,
                          Pages::kProtected))
      .threads = threads;
}

// All models of a form of which a kernel module has the path, too. cpus: the most threads at once.
// Mixed: the design to use where memory lies between protected pages.
template <class Design, class Mixed = Design>
void AddForm(Rows& rows, const std::string& form, unsigned cpus) {
  AddDesign<Design>(rows, form, true);
  AddRegisters<Overlapping, Design>(rows, form + "/protected");
  AddRegisters<OneByOne, Design>(rows, form + "/protected" + kAlone);
  AddNested<Design>(rows, form);
  AddTouches<Design, Read8>(rows, form, "read8");
  AddTouches<Design, Write8>(rows, form, "write8");
  AddTouches<Design, CopyOut<kLineBytes>>(rows, form, "copy64_out");
  AddTouches<Design, CopyIn<kLineBytes>>(rows, form, "copy64_in");
  AddTouches<Design, CopyOut<kPageBytes>>(rows, form, "copy4k_out");
  AddTouches<Design, CopyIn<kPageBytes>>(rows, form, "copy4k_in");
  for (const Set& set : Sets()) AddSet<Design>(rows, form, set);
  for (const unsigned percent : {0u, 1u, 10u, 50u, 100u}) AddShare<Mixed>(rows, form, percent);
  for (unsigned threads = 2; threads < 2 * cpus; threads *= 2) {
    AddThreads<Design>(rows, form, std::min(threads, cpus));
  }
}

// A task switch after each pair.
template <class Design>
void AddSwitch(Rows& rows, const std::string& form) {
  using On = Path<Design, KeyOn, NoWrite>;
  Add(rows, MakeModel<On>(form + "/protected/switch/nowrite", SwitchBody<On>, Pages::kProtected));
}

// Bodies without a path, whose length is known.
void AddKnown(Rows& rows) {
  const auto add = [&rows](const char* name, Body body) {
    Model model;
    model.name = name;
    model.body = body;
    Add(rows, model);
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
    Add(rows, model);
  }
}

}  // namespace

std::vector<Model> Models(unsigned cpus) {
  Rows rows;
  Model empty;
  empty.name = "user/empty";
  empty.in_default_set = true;
  rows.push_back(empty);
  Model wait = empty;
  wait.name += kAlone;
  wait.body = WaitBody;
  rows.push_back(wait);
  AddForm<AsPublished>(rows, "user/kmap_local", cpus);
  AddForm<Slim, SlimWithHoles>(rows, "user/kmap_local_slim", cpus);
  AddDesign<AskingKeyFirst>(rows, "user/kmap_local_key_first");
  AddDesign<Inlined>(rows, "user/kmap_local_inline");
  AddDesign<CountingByCpu>(rows, "user/kmap_local_count_by_cpu");
  AddDesign<WritingAlways>(rows, "user/kmap_local_write_always");
  AddDesign<ClosingAtSwitch>(rows, "user/kmap_local_close_at_switch");
  AddSwitch<ClosingAtSwitch>(rows, "user/kmap_local_close_at_switch");
  AddKnown(rows);
  return rows;
}

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
  // Models with more threads have the same bodies as those with two.
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
