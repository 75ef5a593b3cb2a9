/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened to a CPU while a sample was taken
 *
 * A sample is thrown away for what happened to it, never for what it shows.
 */
#ifndef KMAPBENCH_DISTURBANCE_H
#define KMAPBENCH_DISTURBANCE_H

#include <linux/types.h>

#include "kernel_api.h"
#include "kmapbench.h"

/* Counts at one moment, on the CPU that it was taken on. */
struct kb_moment {
	irq_cpustat_t irqs;	/* of the architecture: timer, reschedule, call, NMI ... */
	unsigned long device_irqs;
	unsigned long switches;	/* of this task */
	u64 smi;
	u64 aperf, mperf;
	int cpu;
};

/* What is counted as a disturbance, unless it is what the case is about. */
enum kb_event {
	KB_EVENT_NONE,
	KB_EVENT_IRQ_WORK,	/* an interrupt for irq_work */
	KB_EVENT_NMI,
	KB_EVENT_SWITCH,	/* the measured thread gives the CPU away */
};

struct kb_disturbance {
	int home_cpu;		/* where the samples are to be taken; -1: where the first is */
	u32 speed;		/* APERF by MPERF of the sample before; 0: not known */
	enum kb_event own;	/* the sample raises this, as many times, itself */
	u32 own_count;
	struct kb_moment begin;
	struct kb_moment end;
};

/* Once, at load: which counts this machine has. */
void kb_disturbance_init(void);
/* KMAPBENCH_COUNTS_* of this machine */
u32 kb_disturbance_features(void);

void kb_disturbance_begin(struct kb_disturbance *seen);
void kb_disturbance_end(struct kb_disturbance *seen);
/* Between the two: why the sample is no good, or KMAPBENCH_CAUSES. */
enum kmapbench_cause kb_disturbance_cause(struct kb_disturbance *seen);

#endif /* KMAPBENCH_DISTURBANCE_H */
