// SPDX-License-Identifier: Apache-2.0
//
// The version of the plugin interface that this build of the observer declares. QEMU loads it only
// if it supports that version.
extern "C" {
__attribute__((visibility("default"))) int qemu_plugin_version = DECLARED_VERSION;
}
