/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Supervisor protection keys, for the measured sections of this module
 *
 * SDM vol. 3A, 4.6.2: bits 62:59 of a leaf entry are its key; IA32_PKRS holds two
 * bits for each key, AD (no access) and WD (no write); CR4 bit 24 turns the check
 * on.  Kernels without PKS define none of it.
 */
#ifndef KMAPBENCH_PKS_H
#define KMAPBENCH_PKS_H

#include <linux/bits.h>
#include <linux/types.h>

#include "kernel_api.h"

#define KB_MSR_IA32_PKRS	0x6e1
#define KB_CR4_PKS		BIT(24)
#define KB_PTE_KEY_SHIFT	59
#define KB_PKRS_AD(key)		(1u << (2 * (key)))
#define KB_PKRS_MASK(key)	(3u << (2 * (key)))

/*
 * The key of our own pages.  Kernels hand keys out from 1 up (the published
 * series gave 1 to its test and 2 to pagemaps), so the last one is nobody's.
 */
#define KB_KEY			15

/*
 * IA32_PKRS in a measured section, as our PKS kernel has it with its own key: all keys
 * closed but 0, which every page has that nobody gave one; and ours open.
 */
#define KB_PKRS_CLOSED		0x55555554u
#define KB_PKRS_OPEN		(KB_PKRS_CLOSED & ~KB_PKRS_AD(KB_KEY))

/* What a measured section puts back. */
struct kb_pks_state {
	u32 found;		/* IA32_PKRS before the section */
	bool set_cr4;		/* CR4.PKS was off and is ours to take back */
};

bool kb_pks_cpu(void);
bool kb_pks_kernel(void);

/*
 * Between enter and leave: CR4.PKS is on, all keys are closed, interrupts are off
 * or (for the oracle) preemption is.  Leave puts CR4.PKS and IA32_PKRS back.
 */
void kb_pks_enter(struct kb_pks_state *state);
void kb_pks_leave(const struct kb_pks_state *state);

/* EDX must be 0: bits 63:32 of IA32_PKRS are reserved and fault. */
static __always_inline void kb_write_pkrs(u32 value)
{
	native_wrmsr(KB_MSR_IA32_PKRS, value, 0);
}

#endif /* KMAPBENCH_PKS_H */
