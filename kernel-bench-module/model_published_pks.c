// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path as published: the half that is out of line
 *
 * In the series these stand in mm/memremap.c (the count) and arch/x86/mm/pkeys.c
 * (the register), hence a real call into each.
 */
#include <linux/preempt.h>
#include <asm/cpufeature.h>

#include "model.h"

#define KB_KEYS			16
#define KB_ACCESS_OPEN		0u
#define KB_ACCESS_NONE		1u	/* AD */

/*
 * Writes IA32_PKRS unless this CPU has the value already.  Caller has preemption off.
 * The bare WRMSR: wrmsrl() would be a patched call under PARAVIRT_XXL, with a
 * tracepoint behind it.
 */
static __always_inline void kb_published_write_pkrs(u32 pkrs)
{
	if (pkrs == this_cpu_read(kb_model_pkrs_cache))
		return;
	this_cpu_write(kb_model_pkrs_cache, pkrs);
	kb_write_pkrs(pkrs);
}

noinline void kb_published_update_protection(u32 key, u32 protection)
{
	u32 shift = 2 * key;
	u32 pkrs;

	/* Stands for X86_FEATURE_PKS, which 6.12 does not name: patched in the same way. */
	if (!cpu_feature_enabled(X86_FEATURE_RDTSCP))
		return;
	if (WARN_ON_ONCE(key >= KB_KEYS))
		return;
	pkrs = kb_model_current->pkrs & ~(3u << shift);
	pkrs |= protection << shift;
	kb_model_current->pkrs = pkrs;
	preempt_disable();
	kb_published_write_pkrs(pkrs);
	preempt_enable();
}

noinline void kb_published_open(struct dev_pagemap *pgmap)
{
	if (kb_model_current->pgmap_prot_count++)
		return;
	kb_published_update_protection(KB_KEY, KB_ACCESS_OPEN);
}

noinline void kb_published_close(struct dev_pagemap *pgmap)
{
	if (--kb_model_current->pgmap_prot_count)
		return;
	kb_published_update_protection(KB_KEY, KB_ACCESS_NONE);
}
