// SPDX-License-Identifier: Apache-2.0
//
// kmap_ktap: tests that a loaded module does what kmapbench.h promises. Prints the results in the
// kernel's format for tests (Documentation/dev-tools/ktap.rst). Needs root, in a guest or on a real
// machine.
//
// kmap_ktap [--dax-file=FILE] [--dax-device=DEVICE] /dev/kmapbench
#include <fcntl.h>
#include <getopt.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/run_main.h"
#include "common/unique_fd.h"
#include "kmapbench.h"
#include "module_client/dax_page.h"
#include "tools/abi_tests.h"

namespace kmapbench {

namespace {

// Prints the result of a test. Returns whether it did not fail.
bool Report(size_t number, const std::string& name, const Result& result) {
  const char* const verdict = result.state == Result::kNotOk ? "not ok" : "ok";
  std::printf("%s %zu %s", verdict, number, name.c_str());
  if (result.state == Result::kSkipped) std::printf(" # SKIP %s", result.reason.c_str());
  std::printf("\n");
  // On a line of its own: only directives may follow a # on the line of the result.
  if (result.state == Result::kNotOk)
    std::printf("# %s: %s\n", name.c_str(), result.reason.c_str());
  std::fflush(stdout);
  return result.state != Result::kNotOk;
}

int Run(const std::string& path, const std::string& dax_file, const std::string& dax_device) {
  const UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.ok()) {
    std::fprintf(stderr, "kmap_ktap: %s: %s (it needs root, and kmapbench.ko loaded)\n",
                 path.c_str(), std::strerror(errno));
    return 2;
  }
  std::optional<DaxMapping> file, device;
  if (!dax_file.empty()) file = DaxMapping::OfFile(dax_file);
  if (!dax_device.empty()) device = DaxMapping::OfDevice(dax_device);
  const std::vector<Test> tests = AbiTests(path, fd.get(), std::move(file), std::move(device));
  std::printf("KTAP version 1\n1..%zu\n", tests.size());
  std::fflush(stdout);  // otherwise a forked child would print it again
  bool good = true;
  for (size_t i = 0; i < tests.size(); ++i) good &= Report(i + 1, tests[i].name, tests[i].run());
  return good ? 0 : 1;
}

int Main(int argc, char** argv) {
  constexpr option kFlags[] = {{"dax-file", required_argument, nullptr, 'f'},
                               {"dax-device", required_argument, nullptr, 'd'},
                               {nullptr, 0, nullptr, 0}};
  std::string dax_file, dax_device;
  opterr = 0;
  int flag;
  while ((flag = getopt_long(argc, argv, "", kFlags, nullptr)) != -1) {
    if (flag == 'f') dax_file = optarg;
    if (flag == 'd') dax_device = optarg;
    if (flag == '?') optind = argc;  // wrong use: prints the usage below
  }
  if (optind + 1 != argc) {
    std::fprintf(stderr, "usage: kmap_ktap [--dax-file=FILE] [--dax-device=DEVICE] %s\n",
                 KMAPBENCH_DEVICE);
    return 2;
  }
  return Run(argv[optind], dax_file, dax_device);
}

}  // namespace

}  // namespace kmapbench

int main(int argc, char** argv) {
  return kmapbench::RunProgram("kmap_ktap", kmapbench::Main, argc, argv);
}
