/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A perf event that counts the windows of a run, in place of the TSC
 *
 * It counts whatever its CPU does, so the samples have to be taken there.
 */
#ifndef KMAPBENCH_WINDOW_COUNTER_H
#define KMAPBENCH_WINDOW_COUNTER_H

#include <linux/types.h>

struct kb_ctx;
struct perf_event;

/*
 * ctx->counter for the run's clock, on this CPU; NULL for the TSC.  0, -errno, or KB_SKIP where
 * nothing here counts it.
 */
int kb_counter_open(struct kb_ctx *ctx);
void kb_counter_close(struct kb_ctx *ctx);

/* The CPU that it counts on. */
int kb_counter_cpu(const struct perf_event *counter);
/* Its count, after all instructions before; 0 on another CPU. */
u64 kb_counter_read(struct perf_event *counter);

#endif /* KMAPBENCH_WINDOW_COUNTER_H */
