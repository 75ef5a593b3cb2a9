// SPDX-License-Identifier: Apache-2.0
#pragma once

// Makes the compiler treat a function as if it were in another file. clang has no noipa; there the
// function is weak, so that another one could replace it, and the compiler concludes nothing from
// it.
#if __has_cpp_attribute(gnu::noipa)
#define KMAPBENCH_NO_IPA [[gnu::noipa]]
#else
#define KMAPBENCH_NO_IPA [[gnu::noinline, gnu::weak]]
#endif
