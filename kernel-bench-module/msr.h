/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_MSR_H
#define KMAPBENCH_MSR_H

#include "case.h"

void kb_body_wrpkrs_toggle(struct kb_ctx *ctx, u64 ops);

#endif /* KMAPBENCH_MSR_H */
