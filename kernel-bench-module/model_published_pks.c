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
#define KB_ACCESS_MASK		3u	/* AD and WD */

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

/* The rights of one key in a value of the register; shared with user keys in the series. */
static __always_inline u32 kb_published_update_value(u32 pkrs, u8 key, u32 access)
{
	int shift = 2 * key;

	if (WARN_ON_ONCE(access & ~KB_ACCESS_MASK))
		access &= KB_ACCESS_MASK;
	pkrs &= ~(KB_ACCESS_MASK << shift);
	return pkrs | access << shift;
}

noinline void kb_published_update_protection(u8 key, u8 protection)
{
	u32 pkrs;

	/* Stands for X86_FEATURE_PKS, which 6.12 does not name: patched in the same way. */
	if (!cpu_feature_enabled(X86_FEATURE_RDTSCP))
		return;
	if (WARN_ON_ONCE(key >= KB_KEYS))
		return;
	pkrs = kb_published_update_value(kb_model_current->pkrs, key, protection);
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
