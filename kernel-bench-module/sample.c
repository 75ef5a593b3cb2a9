// SPDX-License-Identifier: GPL-2.0-only
/*
 * sample.c - times a body over n and 2n operations, with the empty loop beside it
 *
 * Clock: `lfence; rdtsc; lfence` before and `rdtscp; lfence` after (Intel's "How to
 * Benchmark Code Execution Times", with LFENCE for CPUID, which would exit to a
 * hypervisor).
 */
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/stringify.h>
#include <asm/tsc.h>

#include "case.h"
#include "pks.h"

/*
 * Markers are NOPs that nobody else emits (0F 1F 84 00 disp32, with "kmb" in the
 * displacement): an emulator's plugin recognises them, everyone else ignores them.
 */
#define KB_MARKER_HEAD	".byte 0x0f, 0x1f, 0x84, 0x00, "
#define KB_MARKER_TAIL	", 0x62, 0x6d, 0x6b"

/* Operations of the first, short samples that warm up and say how long ops will take. */
#define KB_PROBE_OPS		8u

static u64 kb_windows;		/* windows since load; RUN is exclusive */

void kb_mark_loaded(void)
{
	asm volatile(KB_MARKER_HEAD "0x01" KB_MARKER_TAIL : : : "memory");
}

static __always_inline u64 kb_clock_begin(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return ((u64)high << 32) | low;
}

static __always_inline u64 kb_clock_end(void)
{
	u32 low, high;

	asm volatile("rdtscp; lfence" : "=a"(low), "=d"(high) : : "ecx", "memory");
	return ((u64)high << 32) | low;
}

static noinline u64 kb_window(kb_body_t body, struct kb_ctx *ctx, u64 ops)
{
	u64 begin, end;

	kb_windows++;
	asm volatile(KB_MARKER_HEAD "0x02" KB_MARKER_TAIL : : : "memory");
	begin = kb_clock_begin();
	body(ctx, ops);
	end = kb_clock_end();
	asm volatile(KB_MARKER_HEAD "0x03" KB_MARKER_TAIL : : : "memory");
	return end - begin;
}

void kb_enter(const struct kb_case *c, struct kb_ctx *ctx)
{
	u32 i;

	if (c->enter)
		c->enter(ctx);
	for (i = 0; i < c->depth; i++)
		c->map(ctx);
}

void kb_leave(const struct kb_case *c, struct kb_ctx *ctx)
{
	u32 i;

	for (i = 0; i < c->depth; i++)
		c->unmap(ctx, ctx->expected);
}

#define KB_ADDS_N	__stringify(KMAPBENCH_CHAIN_ADDS)
#define KB_ADDS_2N	KB_ADDS_N " * 2"

/* Without a loop, so that an emulator's clock shows one tick an add to the digit. */
static noinline void kb_body_chain_n(struct kb_ctx *ctx, u64 one)
{
	u64 sum = 0;

	asm volatile(".rept " KB_ADDS_N "; add %1, %0; .endr" : "+r"(sum) : "r"(one));
}

static noinline void kb_body_chain_2n(struct kb_ctx *ctx, u64 one)
{
	u64 sum = 0;

	asm volatile(".rept " KB_ADDS_2N "; add %1, %0; .endr" : "+r"(sum) : "r"(one));
}

static void kb_sample_once(const struct kb_case *c, struct kb_ctx *ctx, u64 ops,
			   struct kmapbench_sample *sample)
{
	unsigned long flags;

	/*
	 * Preemption too: with a reschedule pending, a preempt_enable() in the path
	 * would otherwise walk into the scheduler's entry, only to turn back there.
	 */
	preempt_disable();
	local_irq_save(flags);
	if (c->needs_pks)
		kb_pks_enter(&ctx->pks);
	kb_enter(c, ctx);

	sample->empty_n = kb_window(kb_body_empty, ctx, ops);
	sample->empty_2n = kb_window(kb_body_empty, ctx, 2 * ops);
	sample->case_n = kb_window(c->body, ctx, ops);
	sample->case_2n = kb_window(c->body, ctx, 2 * ops);
	sample->chain_n = kb_window(kb_body_chain_n, ctx, 1);
	sample->chain_2n = kb_window(kb_body_chain_2n, ctx, 1);

	kb_leave(c, ctx);
	if (c->needs_pks)
		kb_pks_leave(&ctx->pks);
	local_irq_restore(flags);
	preempt_enable();
}

/* Nanoseconds that a sample of @ops operations keeps interrupts off, from a probe. */
static u64 kb_irqs_off_ns(const struct kmapbench_sample *probe, u32 ops)
{
	u64 ticks = probe->empty_n + probe->empty_2n + probe->case_n + probe->case_2n;
	u64 chain = probe->chain_n + probe->chain_2n;

	return (ticks * DIV_ROUND_UP(ops, KB_PROBE_OPS) + chain) * 1000000 / tsc_khz;
}

int kb_sample(const struct kb_case *c, struct kb_ctx *ctx,
	      struct kmapbench_sample *samples)
{
	struct kmapbench_run *run = ctx->run;
	struct kmapbench_sample probe;
	u32 i;

	/* Twice: the first one pays for cold caches. */
	kb_sample_once(c, ctx, KB_PROBE_OPS, &probe);
	kb_sample_once(c, ctx, KB_PROBE_OPS, &probe);
	if (kb_irqs_off_ns(&probe, run->ops) > KMAPBENCH_MAX_IRQS_OFF_NS)
		return -E2BIG;

	run->cpu = raw_smp_processor_id();
	run->first_window = kb_windows;
	for (i = 0; i < run->samples; i++) {
		kb_sample_once(c, ctx, run->ops, &samples[i]);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}
