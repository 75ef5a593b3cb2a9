// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns PKS on and off around a measured section of one CPU
 */
#include <linux/irqflags.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "pks.h"

bool kb_pks_cpu(void)
{
	/* CPUID.(EAX=7,ECX=0):ECX[31] */
	return boot_cpu_data.cpuid_level >= 7 && (cpuid_ecx(7) & BIT(31));
}

#ifdef KB_HAS_CR4_SHADOW
/*
 * Through the kernel's shadow: it writes CR4 from there at the next global
 * TLB flush, and a bit set behind its back would be gone.
 */
static unsigned long kb_cr4_read(void)
{
	return cr4_read_shadow();
}

static void kb_cr4_set_pks(bool on)
{
	if (on)
		cr4_set_bits_irqsoff(KB_CR4_PKS);
	else
		cr4_clear_bits_irqsoff(KB_CR4_PKS);
}
#else
/*
 * The kernel keeps its shadow to itself, so the register it is.  What the kernel writes
 * to CR4 meanwhile stays, but takes our bit with it: only an interrupt of this CPU can do
 * that, which has the sample thrown away, and for the oracle is a page that is not
 * closed.  Not a TLB flush: CPUs with PKS have INVPCID for it.
 */
static unsigned long kb_cr4_read(void)
{
	return __read_cr4();
}

static void kb_cr4_set_pks(bool on)
{
	unsigned long cr4 = __read_cr4();

	cr4 = on ? cr4 | KB_CR4_PKS : cr4 & ~KB_CR4_PKS;
	asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
}
#endif

bool kb_pks_kernel(void)
{
	return kb_cr4_read() & KB_CR4_PKS;
}

void kb_pks_enter(struct kb_pks_state *state)
{
	unsigned long flags;

	state->found = __rdmsr(KB_MSR_IA32_PKRS);
	/* The register first: with CR4.PKS on it must never hold a stranger's value. */
	kb_write_pkrs(KB_PKRS_CLOSED);

	local_irq_save(flags);
	state->set_cr4 = !kb_pks_kernel();
	if (state->set_cr4)
		kb_cr4_set_pks(true);
	local_irq_restore(flags);
}

void kb_pks_leave(const struct kb_pks_state *state)
{
	unsigned long flags;

	local_irq_save(flags);
	if (state->set_cr4)
		kb_cr4_set_pks(false);
	local_irq_restore(flags);
	kb_write_pkrs(state->found);
}
