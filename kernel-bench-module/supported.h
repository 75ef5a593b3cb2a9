/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refuses kernels whose map path is not the one that is meant here
 *
 * The path is page_address() of a kernel without highmem, over a virtual memmap.  On
 * anything else this module would measure something, but not that.  What it takes for
 * granted of a struct page is asserted in kernel_api.h.  There is no newest version:
 * docs/kernels.md says which were looked at.
 */
#ifndef KMAPBENCH_SUPPORTED_H
#define KMAPBENCH_SUPPORTED_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "kmapbench needs Linux 6.1 or later"
#endif
#ifndef CONFIG_X86_64
#error "kmapbench measures the map path of x86-64 only"
#endif
#ifndef CONFIG_SPARSEMEM_VMEMMAP
#error "kmapbench needs CONFIG_SPARSEMEM_VMEMMAP: its path goes over a virtual memmap"
#endif
#ifndef CONFIG_ZONE_DEVICE
#error "kmapbench needs CONFIG_ZONE_DEVICE: without it no page is a device page"
#endif
#ifndef CONFIG_JUMP_LABEL
#error "kmapbench needs CONFIG_JUMP_LABEL: without it a static key is a load and a branch"
#endif
#ifndef CONFIG_TRACEPOINTS
#error "kmapbench needs CONFIG_TRACEPOINTS: its oracle sees page faults by one"
#endif

#endif /* KMAPBENCH_SUPPORTED_H */
