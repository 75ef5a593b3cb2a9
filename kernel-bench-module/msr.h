/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_MSR_H
#define KMAPBENCH_MSR_H

#include "case.h"

void kb_body_wrpkrs_toggle(struct kb_ctx *ctx, u64 ops);
void kb_body_wrpkrs_same(struct kb_ctx *ctx, u64 ops);
void kb_body_wrpkrs_skipped(struct kb_ctx *ctx, u64 ops);
void kb_body_rdpkrs(struct kb_ctx *ctx, u64 ops);
void kb_body_wrpkru_toggle(struct kb_ctx *ctx, u64 ops);
void kb_body_rdpkru(struct kb_ctx *ctx, u64 ops);

/* Reads the PKRU that the body has to put back. */
void kb_msr_enter_pkru(struct kb_ctx *ctx);

#endif /* KMAPBENCH_MSR_H */
