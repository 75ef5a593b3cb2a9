// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same protection by a shorter path: what our own PKS kernel does, instruction for
 * instruction
 *
 * Against model_published.c: an address is compared with the first and the last one that is
 * protected, and its page is not looked at; unmap asks first whether the task has anything
 * open; count and rights are one word; the out-of-line half is one function a side, with both
 * values of the register constants.
 */
#include "model.h"

/* From the first protected address to behind the last one. */
static struct {
	const void *start;
	const void *end;
} span;

/* Whether not all of the span is protected, so that pages are asked, too. */
static DEFINE_STATIC_KEY_FALSE(span_has_holes);

/* The task's word: brackets; below that, whether it has strayed, which it does not here. */
#define KB_SLIM_BRACKET		0x200u

static DEFINE_PER_CPU(u32, kb_slim_pkrs_open);

void kb_slim_protect(const void *start, const void *end)
{
	span.start = start;
	span.end = end;
}

void kb_slim_enter(void)
{
	this_cpu_write(kb_slim_pkrs_open, false);
}

static __always_inline bool kb_slim_in_span(const void *addr)
{
	/*
	 * Branches of their own, so that the line tables call them checks. data_race:
	 * as in the kernel; here nobody changes it meanwhile.
	 */
	if (addr < data_race(span.start))
		return false;
	/* likewise */
	if (addr >= data_race(span.end))
		return false;
	return true;
}

/* A tail page is judged by its head (kernel_api.h: pagemap and head are one word). */
static noinline bool kb_slim_page_is_protected(const void *addr)
{
	unsigned long phys = (unsigned long)addr - kb_model_page_offset_base;
	const struct page *page = (struct page *)kb_model_vmemmap_base + (phys >> PAGE_SHIFT);
	unsigned long word = READ_ONCE(kb_page_word(page));

	if (word & 1)
		word = (unsigned long)kb_page_pgmap(kb_page_head(page, word));
	return is_zone_device_page(page) &&
	       ((struct dev_pagemap *)word)->flags & KB_PGMAP_PROTECTION;
}

static __always_inline bool kb_slim_is_protected(const void *addr)
{
	return !static_branch_unlikely(&span_has_holes) || kb_slim_page_is_protected(addr);
}

/*
 * As __pgmap_set_readwrite() and __pgmap_set_noaccess() of kernels/series/linux-6.12-pks:
 * constants, and the order with which an exception between any two of the writes would find
 * out that the register is open.  The kernel that this module is loaded into need not have
 * that exception entry, but in a measured section nothing comes between them either.
 */
noinline void kb_slim_open(const void *addr)
{
	struct kb_model_task *task;
	u32 before;

	if (!kb_slim_is_protected(addr))
		return;
	task = kb_model_current;
	before = task->pks;
	WRITE_ONCE(task->pks, before + KB_SLIM_BRACKET);
	if (before)
		return;
	this_cpu_write(kb_slim_pkrs_open, true);
	kb_write_pkrs(KB_PKRS_OPEN);
}

noinline void kb_slim_close(const void *addr)
{
	struct kb_model_task *task;
	u32 word;

	if (!kb_slim_is_protected(addr))
		return;
	task = kb_model_current;
	word = task->pks;
	if (WARN_ON_ONCE(word < KB_SLIM_BRACKET))
		return;
	word -= KB_SLIM_BRACKET;
	if (word >= KB_SLIM_BRACKET) {
		WRITE_ONCE(task->pks, word);
		return;
	}
	WRITE_ONCE(task->pks, 0);
	kb_write_pkrs(KB_PKRS_CLOSED);
	this_cpu_write(kb_slim_pkrs_open, false);
}

static __always_inline void *kb_slim_kmap_local(struct page *page)
{
	void *addr = kb_model_page_address(page);

	if (static_branch_unlikely(&kb_model_key) && kb_slim_in_span(addr))
		kb_slim_open(addr);
	return addr;
}

static __always_inline void kb_slim_kunmap_local(void *addr)
{
	if (static_branch_unlikely(&kb_model_key) &&
	    kb_model_current->pks >= KB_SLIM_BRACKET && kb_slim_in_span(addr))
		kb_slim_close(addr);
}

KB_EACH_TOUCH(KB_PATH_BODY, kb_body_slim, kb_slim_kmap_local, kb_slim_kunmap_local)
KB_RING_BODIES(kb_body_slim, kb_slim_kmap_local, kb_slim_kunmap_local)

void *kb_slim_map(struct kb_ctx *ctx)
{
	return kb_slim_kmap_local(ctx->page);
}

void kb_slim_unmap(struct kb_ctx *ctx, void *addr)
{
	kb_slim_kunmap_local(addr);
}
