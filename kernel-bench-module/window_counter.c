// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts windows by a perf event
 *
 * The PMU counts cycles and instructions of the very code that the TSC times, so each can be held
 * against the other, and instructions against what an emulator has counted.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/perf_event.h>
#include <linux/smp.h>

#include "case.h"
#include "window_counter.h"

static const struct {
	u32 type;
	u64 config;
	const char *missing;
} kb_events[KMAPBENCH_CLOCKS] = {
	[KMAPBENCH_CPU_CLOCK] = {
		PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK,
		"this kernel has no event for its clock",
	},
	[KMAPBENCH_CYCLES] = {
		PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES,
		"no PMU here counts cycles",
	},
	[KMAPBENCH_INSTRUCTIONS] = {
		PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS,
		"no PMU here counts instructions",
	},
};

int kb_counter_open(struct kb_ctx *ctx)
{
	u32 clock = ctx->run->clock;
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.pinned = 1,
	};
	struct perf_event *counter;

	if (clock == KMAPBENCH_TSC)
		return 0;
	attr.type = kb_events[clock].type;
	attr.config = kb_events[clock].config;
	counter = perf_event_create_kernel_counter(&attr, raw_smp_processor_id(), NULL, NULL,
						   NULL);
	if (PTR_ERR(counter) == -ENOMEM)
		return -ENOMEM;
	if (IS_ERR(counter))
		return kb_skip(ctx, kb_events[clock].missing);
	/* pinned: it has its place in the PMU from now on, or never gets one */
	if (READ_ONCE(counter->state) != PERF_EVENT_STATE_ACTIVE) {
		perf_event_release_kernel(counter);
		return kb_skip(ctx, "the PMU has no counter left for it");
	}
	ctx->counter = counter;
	return 0;
}

void kb_counter_close(struct kb_ctx *ctx)
{
	if (ctx->counter)
		perf_event_release_kernel(ctx->counter);
	ctx->counter = NULL;
}

int kb_counter_cpu(const struct perf_event *counter)
{
	return counter->cpu;
}

u64 kb_counter_read(struct perf_event *counter)
{
	unsigned long flags;
	u64 count = 0;

	asm volatile("lfence" : : : "memory");
	local_irq_save(flags);
	if (READ_ONCE(counter->oncpu) == smp_processor_id()) {
		counter->pmu->read(counter);
		count = local64_read(&counter->count);
	}
	local_irq_restore(flags);
	asm volatile("lfence" : : : "memory");
	return count;
}
