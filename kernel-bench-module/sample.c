// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times a body over n and 2n operations, with the empty loop beside it
 *
 * Clock: `lfence; rdtsc; lfence` before and `rdtscp; lfence` after (Intel's "How to
 * Benchmark Code Execution Times", with LFENCE for CPUID, which would exit to a
 * hypervisor).
 */
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/stringify.h>
#include <asm/cpufeature.h>
#include <asm/tsc.h>

#include "case.h"
#include "disturbance.h"
#include "pks.h"
#include "window_counter.h"

/*
 * Markers are NOPs that nobody else emits (0F 1F 84 00 disp32, with "kmb" in the
 * displacement): an emulator's plugin recognises them, everyone else ignores them.
 */
#define KB_MARKER_HEAD	".byte 0x0f, 0x1f, 0x84, 0x00, "
#define KB_MARKER_TAIL	", 0x62, 0x6d, 0x6b"

/* Operations, at most, of the first samples: they warm up and say how long ops will take. */
#define KB_PROBE_OPS		8u
#define KB_MAX_PROBES		8u

/* Samples that may be thrown away beyond one for each that is kept. */
#define KB_SPARE_ATTEMPTS	64u

/* Operations of all windows of a sample, in ops: n and 2n, at both alignments. */
#define KB_ROUNDS		6u

/*
 * Operations before the windows, at either alignment: they fetch the code and the translations
 * that entering has thrown away, and write the register for the first time.
 */
#define KB_WARM_UP_OPS		1u

/* Measures a body: ticks of the run's clock that so many operations take. */
typedef u64 (*kb_window_t)(kb_body_t body, struct kb_ctx *ctx, u64 ops);

static u64 kb_windows;		/* timed windows since load; RUN is exclusive */

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

const char *kb_clock_refusal(void)
{
	if (!boot_cpu_has(X86_FEATURE_TSC) || !boot_cpu_has(X86_FEATURE_RDTSCP))
		return "this CPU has no RDTSCP, by which samples are timed";
	if (!tsc_khz)
		return "this kernel does not know how fast the time stamp counter runs";
	return NULL;
}

u64 kb_clock(void)
{
	return kb_clock_begin();
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

/*
 * The same by the run's perf event.  Reading it takes far longer than reading the TSC, and as long
 * each time: it is in no slope.  Not for the observer, who tells windows by the timed ones.
 */
static noinline u64 kb_counted_window(kb_body_t body, struct kb_ctx *ctx, u64 ops)
{
	u64 begin = kb_counter_read(ctx->counter);

	body(ctx, ops);
	return kb_counter_read(ctx->counter) - begin;
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
	if (c->leave)
		c->leave(ctx);
}

#define KB_ADDS		".rept " __stringify(KMAPBENCH_CHAIN_ADDS) "; add %1, %0; .endr; "

/*
 * The adds of a chain once, or twice.  Without a loop, so that an emulator's clock shows one
 * tick an add to the digit; and one function, since some kernels send a return through a
 * thunk or do not, by where it lies (mitigation of ITS).
 */
static noinline void kb_body_chain(struct kb_ctx *ctx, u64 times)
{
	u64 sum = 0;

	asm volatile("cmp $1, %2; je 1f; " KB_ADDS "1: " KB_ADDS
		     : "+r"(sum) : "r"(1ul), "r"(times) : "cc");
}

static void kb_windows_of(const struct kb_case *c, struct kb_ctx *ctx, u64 ops,
			  kb_window_t window, struct kmapbench_sample *sample)
{
	if (c->needs_pks)
		kb_pks_enter(&ctx->pks);
	kb_enter(c, ctx);
	/* what is cold must not be in the first window and not in the second one */
	c->body.aligned(ctx, KB_WARM_UP_OPS);
	c->body.shifted(ctx, KB_WARM_UP_OPS);

	sample->empty_n = window(kb_body_empty, ctx, ops);
	sample->empty_2n = window(kb_body_empty, ctx, 2 * ops);
	sample->case_n = window(c->body.aligned, ctx, ops);
	sample->case_2n = window(c->body.aligned, ctx, 2 * ops);
	sample->shifted_n = window(c->body.shifted, ctx, ops);
	sample->shifted_2n = window(c->body.shifted, ctx, 2 * ops);
	sample->chain_n = window(kb_body_chain, ctx, 1);
	sample->chain_2n = window(kb_body_chain, ctx, 2);

	kb_leave(c, ctx);
	if (c->needs_pks)
		kb_pks_leave(&ctx->pks);
}

/* One sample under the run's policy; ticks it took, windows and all. */
static u64 kb_sample_once(const struct kb_case *c, struct kb_ctx *ctx, u64 ops,
			  kb_window_t window, struct kmapbench_sample *sample,
			  struct kb_disturbance *seen)
{
	enum kmapbench_irq_policy policy = ctx->run->irq_policy;
	unsigned long flags = 0;
	u64 begin;

	/*
	 * Preemption too: with a reschedule pending, a preempt_enable() in the path
	 * would otherwise walk into the scheduler's entry, only to turn back there.
	 */
	if (policy != KMAPBENCH_IRQS_ON)
		preempt_disable();
	if (policy == KMAPBENCH_IRQS_OFF)
		local_irq_save(flags);
	kb_disturbance_begin(seen);
	begin = kb_clock_begin();

	kb_windows_of(c, ctx, ops, window, sample);

	begin = kb_clock_end() - begin;
	kb_disturbance_end(seen);
	if (policy == KMAPBENCH_IRQS_OFF)
		local_irq_restore(flags);
	if (policy != KMAPBENCH_IRQS_ON)
		preempt_enable();
	return begin;
}

/*
 * Nanoseconds that a sample of run->ops operations keeps interrupts off, by one of @ops that is
 * taken and forgotten.
 */
static u64 kb_probe_ns(const struct kb_case *c, struct kb_ctx *ctx, u32 ops)
{
	struct kb_disturbance seen = { };
	struct kmapbench_sample probe;
	u32 times = DIV_ROUND_UP(ctx->run->ops, ops);
	u64 ticks;

	kb_sample_once(c, ctx, ops, kb_window, &probe, &seen);
	ticks = probe.empty_n + probe.empty_2n + probe.case_n + probe.case_2n +
		probe.shifted_n + probe.shifted_2n;
	/* 128 bits: a host that stood still during the probe makes for many ticks */
	return mul_u64_u64_div_u64(ticks * times + probe.chain_n + probe.chain_2n, 1000000,
				   tsc_khz);
}

/* Takes samples until there are as many as asked for, or too many were no good. */
static int kb_sample_all(const struct kb_case *c, struct kb_ctx *ctx,
			 struct kmapbench_sample *samples)
{
	struct kmapbench_run *run = ctx->run;
	u32 attempts = 2 * run->samples + KB_SPARE_ATTEMPTS;
	struct kb_disturbance seen = {
		.home_cpu = ctx->counter ? kb_counter_cpu(ctx->counter) : -1,
		.own = c->event,
		.own_count = KB_ROUNDS * run->ops + 2 * KB_WARM_UP_OPS,
	};
	kb_window_t window = ctx->counter ? kb_counted_window : kb_window;
	enum kmapbench_cause cause;
	u64 first_window, ticks;

	while (run->taken < run->samples && attempts--) {
		if (c->before_sample)
			c->before_sample(ctx);
		first_window = kb_windows;
		ticks = kb_sample_once(c, ctx, run->ops, window, &samples[run->taken], &seen);
		cause = kb_disturbance_cause(&seen);
		if (cause == KMAPBENCH_CAUSES) {
			if (!run->taken)
				run->first_window = first_window;
			run->section_ticks += ticks;
			run->taken++;
		} else {
			run->rejected[cause]++;
		}
		/* the freezer's signal, too: the call is made again after the thaw */
		if (signal_pending(current))
			return fatal_signal_pending(current) ? -EINTR : -ERESTARTSYS;
		cond_resched();
	}
	run->cpu = seen.home_cpu;
	return 0;
}

int kb_sample(const struct kb_case *c, struct kb_ctx *ctx,
	      struct kmapbench_sample *samples)
{
	struct kmapbench_run *run = ctx->run;
	u32 ops = min(run->ops, KB_PROBE_OPS);
	u32 probes = 0;
	u64 ns;
	int err;

	/*
	 * At least two, as the first one pays for cold caches; and a few more before a case is
	 * called too slow, since with interrupts on one of them takes as long as it likes.
	 */
	do {
		ns = kb_probe_ns(c, ctx, ops);
	} while (++probes < 2 || (ns > KMAPBENCH_MAX_IRQS_OFF_NS && probes < KB_MAX_PROBES));
	if (ns > KMAPBENCH_MAX_IRQS_OFF_NS)
		return -E2BIG;

	err = kb_sample_all(c, ctx, samples);
	if (!err && run->taken < run->samples) {
		run->status = KMAPBENCH_FLAGGED;
		snprintf(run->reason, sizeof(run->reason),
			 "too much disturbance: only %u of %u samples are good", run->taken,
			 run->samples);
	}
	return err;
}
