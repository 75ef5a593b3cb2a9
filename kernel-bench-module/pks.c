// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns PKS on and off around a measured section of one CPU
 */
#include <linux/irqflags.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "pks.h"

bool kb_pks_cpu(void)
{
	/* CPUID.(EAX=7,ECX=0):ECX[31] */
	return boot_cpu_data.cpuid_level >= 7 && (cpuid_ecx(7) & BIT(31));
}

bool kb_pks_kernel(void)
{
	return cr4_read_shadow() & KB_CR4_PKS;
}

void kb_pks_enter(struct kb_pks_state *state)
{
	unsigned long flags;
	u64 found;

	rdmsrl(KB_MSR_IA32_PKRS, found);
	state->found = found;
	/* The register first: with CR4.PKS on it must never hold a stranger's value. */
	kb_write_pkrs(KB_PKRS_CLOSED);

	local_irq_save(flags);
	state->set_cr4 = !kb_pks_kernel();
	/*
	 * Through the kernel's shadow: it writes CR4 from there at the next global
	 * TLB flush, and a bit set behind its back would be gone.
	 */
	if (state->set_cr4)
		cr4_set_bits_irqsoff(KB_CR4_PKS);
	local_irq_restore(flags);
}

void kb_pks_leave(const struct kb_pks_state *state)
{
	unsigned long flags;

	local_irq_save(flags);
	if (state->set_cr4)
		cr4_clear_bits_irqsoff(KB_CR4_PKS);
	local_irq_restore(flags);
	kb_write_pkrs(state->found);
}
