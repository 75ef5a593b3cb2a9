// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel_stat.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/cpufeature.h>

#include "disturbance.h"

/* APERF by MPERF is kept in units of 1/4096; a change of more than 2 % counts. */
#define KB_SPEED_ONE		4096u
#define KB_SPEED_CHANGE		((s32)KB_SPEED_ONE / 50)

static u32 features;

void kb_disturbance_init(void)
{
	u64 count;

	/* SDM vol. 4, table 2-2: from Nehalem on, Intel only */
	if (boot_cpu_data.x86_vendor == X86_VENDOR_INTEL && !kb_rdmsr_safe(MSR_SMI_COUNT, &count))
		features |= KMAPBENCH_COUNTS_SMI;
	if (boot_cpu_has(X86_FEATURE_APERFMPERF))
		features |= KMAPBENCH_COUNTS_FREQUENCY;
}

u32 kb_disturbance_features(void)
{
	return features;
}

static void kb_moment_take(struct kb_moment *moment)
{
	/* with preemption on it may move on meanwhile: then the CPUs or the switches differ */
	moment->cpu = raw_smp_processor_id();
	moment->switches = current->nvcsw + current->nivcsw;
	moment->irqs = *raw_cpu_ptr(&irq_stat);
	moment->device_irqs = raw_cpu_read(kstat.irqs_sum);
	if (features & KMAPBENCH_COUNTS_SMI)
		moment->smi = __rdmsr(MSR_SMI_COUNT);
	if (features & KMAPBENCH_COUNTS_FREQUENCY) {
		moment->aperf = __rdmsr(MSR_IA32_APERF);
		moment->mperf = __rdmsr(MSR_IA32_MPERF);
	}
}

void kb_disturbance_begin(struct kb_disturbance *seen)
{
	kb_moment_take(&seen->begin);
}

void kb_disturbance_end(struct kb_disturbance *seen)
{
	kb_moment_take(&seen->end);
}

/* The clock is not the one that the sample before had. */
static bool kb_speed_changed(struct kb_disturbance *seen)
{
	u64 aperf = seen->end.aperf - seen->begin.aperf;
	u64 mperf = seen->end.mperf - seen->begin.mperf;
	u32 before = seen->speed;

	if (!(features & KMAPBENCH_COUNTS_FREQUENCY) || !mperf)
		return false;
	seen->speed = div64_u64(aperf * KB_SPEED_ONE, mperf);
	return before && abs((s32)(seen->speed - before)) > KB_SPEED_CHANGE;
}

/* As if what was meant to come between had come before: the rest is a disturbance. */
static void kb_moment_allow(struct kb_moment *begin, enum kb_event own, u32 count)
{
	switch (own) {
	case KB_EVENT_NONE:
		break;
	case KB_EVENT_IRQ_WORK:
		kb_irq_count_irq_work(&begin->irqs) += count;
		break;
	case KB_EVENT_NMI:
		kb_irq_count_nmi(&begin->irqs) += count;
		break;
	case KB_EVENT_SWITCH:
		begin->switches += count;
		break;
	}
}

enum kmapbench_cause kb_disturbance_cause(struct kb_disturbance *seen)
{
	const struct kb_moment *begin = &seen->begin, *end = &seen->end;

	kb_moment_allow(&seen->begin, seen->own, seen->own_count);

	if (seen->home_cpu < 0)
		seen->home_cpu = begin->cpu;
	if (begin->cpu != seen->home_cpu || end->cpu != seen->home_cpu)
		return KMAPBENCH_CAUSE_MIGRATION;
	if (end->switches != begin->switches)
		return KMAPBENCH_CAUSE_PREEMPTION;
	if (kb_irq_count_nmi(&end->irqs) != kb_irq_count_nmi(&begin->irqs))
		return KMAPBENCH_CAUSE_NMI;
	if (memcmp(&end->irqs, &begin->irqs, sizeof(end->irqs)) ||
	    end->device_irqs != begin->device_irqs)
		return KMAPBENCH_CAUSE_INTERRUPT;
	if (end->smi != begin->smi)
		return KMAPBENCH_CAUSE_SMI;
	if (kb_speed_changed(seen))
		return KMAPBENCH_CAUSE_FREQUENCY;
	return KMAPBENCH_CAUSES;
}
