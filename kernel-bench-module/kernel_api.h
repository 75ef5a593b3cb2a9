/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernels from 6.1 on spell in more than one way
 *
 * No version is asked: Kbuild looks into the kernel's own headers and defines KB_HAS_*,
 * since distributions take single changes into older kernels.
 */
#ifndef KMAPBENCH_KERNEL_API_H
#define KMAPBENCH_KERNEL_API_H

#include <linux/build_bug.h>
#include <linux/hardirq.h>
#include <linux/mm.h>
#include <linux/stddef.h>
#include <asm/msr.h>
#include <asm/processor.h>
#if __has_include("asm/cpuid/api.h")
#include <asm/cpuid/api.h>
#endif

/* The architecture's counts of interrupts: named fields, later an array. */
#ifdef KB_HAS_IRQ_COUNTS
#define kb_irq_count_nmi(stat)		((stat)->counts[IRQ_COUNT_NMI])
#define kb_irq_count_irq_work(stat)	((stat)->counts[IRQ_COUNT_IRQ_WORK])
#else
#define kb_irq_count_nmi(stat)		((stat)->__nmi_count)
#define kb_irq_count_irq_work(stat)	((stat)->apic_irq_work_irqs)
#endif

/* RDMSR where the register may be missing: 0, or -errno. */
static inline int kb_rdmsr_safe(u32 msr, u64 *value)
{
	u32 low, high;
	int err = rdmsr_safe(msr, &low, &high);

	*value = (u64)high << 32 | low;
	return err;
}

/*
 * The word behind the flags of a struct page.  In a device page it is the pagemap, in a
 * tail page bit 0 is set and the rest leads to the head.  Kernels differ in what they call
 * it and, since device pages are folios, in which structure the pagemap is a field of.
 */
#define kb_page_word(page)	(((unsigned long *)(page))[1])

static_assert(offsetof(struct page, flags) == 0 &&
	      offsetof(struct page, lru) == sizeof(unsigned long),
	      "kmapbench: no word shared by pagemap and head behind the flags of a page");
#ifdef KB_HAS_FOLIO_PGMAP
static_assert(offsetof(struct folio, pgmap) == sizeof(unsigned long),
	      "kmapbench: the pagemap of a folio is elsewhere");
#else
static_assert(offsetof(struct page, pgmap) == sizeof(unsigned long),
	      "kmapbench: the pagemap of a page is elsewhere");
#endif

/* The pagemap of a device page that is no tail. */
static __always_inline struct dev_pagemap *kb_page_pgmap(const struct page *page)
{
	return (struct dev_pagemap *)kb_page_word(page);
}

/*
 * The head of a tail page, whose word has been read: the word is the head's address plus
 * one or, in kernels that say so, a mask for the tail's own address.
 */
static __always_inline struct page *kb_page_head(const struct page *tail, unsigned long word)
{
#ifdef KB_HAS_HEAD_MASK
	if (compound_info_has_mask())
		return (struct page *)((unsigned long)tail & word);
#endif
	return (struct page *)(word - 1);
}

#endif /* KMAPBENCH_KERNEL_API_H */
