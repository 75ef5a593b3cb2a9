// SPDX-License-Identifier: Apache-2.0
#pragma once

// A function that a compiler sees as if it stood in another file. clang has no noipa: nothing is
// concluded from a weak function, as another one could take its place.
#if __has_cpp_attribute(gnu::noipa)
#define KMAPBENCH_NO_IPA [[gnu::noipa]]
#else
#define KMAPBENCH_NO_IPA [[gnu::noinline, gnu::weak]]
#endif
