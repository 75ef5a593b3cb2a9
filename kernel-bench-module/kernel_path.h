/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_KERNEL_PATH_H
#define KMAPBENCH_KERNEL_PATH_H

#include "case.h"

KB_EACH_TOUCH(KB_DECLARE_BODY, kb_body_kernel_kmap_local)
KB_DECLARE_BODY(kb_body_kernel_kmap_atomic, none)
KB_DECLARE_BODY(kb_body_kernel_kmap_local_folio, none)
void *kb_kernel_map(struct kb_ctx *ctx);
void kb_kernel_unmap(struct kb_ctx *ctx, void *addr);
int kb_kernel_setup_dram(struct kb_ctx *ctx);
void kb_kernel_teardown_dram(struct kb_ctx *ctx);

#endif /* KMAPBENCH_KERNEL_PATH_H */
