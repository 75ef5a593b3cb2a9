/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_KERNEL_PATH_H
#define KMAPBENCH_KERNEL_PATH_H

#include "case.h"

KB_DECLARE_PATH(kb_body_kernel_kmap_local)
KB_DECLARE(kb_body_kernel_kmap_local_folio_none)
KB_DECLARE(kb_body_kernel_kmap_atomic_none)
KB_DECLARE(kb_body_kernel_kmap_none)

/* kmap_local_page() and kunmap_local() of any page that is not protected. */
void *kb_kernel_map(struct kb_ctx *ctx);
void kb_kernel_unmap(struct kb_ctx *ctx, void *addr);

/* One page of memory, or as many as the set takes. */
int kb_kernel_setup_dram(struct kb_ctx *ctx);
void kb_kernel_teardown_dram(struct kb_ctx *ctx);

#endif /* KMAPBENCH_KERNEL_PATH_H */
