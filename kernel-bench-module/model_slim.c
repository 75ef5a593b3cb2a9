// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same protection by a shorter path: what our own PKS kernel does, instruction for
 * instruction
 *
 * Against model_published.c: the static key is tested before the unmap looks for its
 * page; the way back to the page knows that it comes from the direct map; a tail page
 * is judged by its head (kernel_api.h: the pagemap and the way to the head are one word); the
 * out-of-line half is one function a side, with both values of the register constants.
 */
#include <asm/rmwcc.h>

#include "model.h"

/* An address from page_address() is in the direct map: no image to tell it from. */
static __always_inline struct page *kb_slim_page_of(const void *addr)
{
	unsigned long phys = (unsigned long)addr - kb_model_page_offset_base;

	return (struct page *)kb_model_vmemmap_base + (phys >> PAGE_SHIFT);
}

static __always_inline bool kb_slim_is_protected(const struct page *page)
{
	unsigned long word;

	if (!is_zone_device_page(page))
		return false;
	word = READ_ONCE(kb_page_word(page));
	if (unlikely(word & 1))
		word = (unsigned long)kb_page_pgmap(kb_page_head(page, word));
	/* a branch of its own, so that the line tables call it a check */
	if (!(((struct dev_pagemap *)word)->flags & KB_PGMAP_PROTECTION))
		return false;
	return true;
}

/*
 * As pks_open_pgmap() and pks_close_pgmap() of kernels/series/linux-6.12-pks: constants, and the
 * order with which an exception between any two of the writes would find out by the cache that
 * the register is open.  The kernel that this module is loaded into need not have that
 * exception entry, but in a measured section nothing comes between them either.
 */
noinline void kb_slim_open(void)
{
	struct kb_model_task *task = kb_model_current;

	task->pgmap_prot_count++;
	if (task->pkrs == KB_PKRS_OPEN)
		return;
	WRITE_ONCE(task->pkrs, KB_PKRS_OPEN);
	this_cpu_write(kb_model_pkrs_cache, KB_PKRS_OPEN);
	kb_write_pkrs(KB_PKRS_OPEN);
}

noinline void kb_slim_close(void)
{
	struct kb_model_task *task = kb_model_current;

	if (!GEN_UNARY_RMWcc("decl", task->pgmap_prot_count, e))
		return;
	WRITE_ONCE(task->pkrs, KB_PKRS_CLOSED);
	kb_write_pkrs(KB_PKRS_CLOSED);
	this_cpu_write(kb_model_pkrs_cache, KB_PKRS_CLOSED);
}

static __always_inline void *kb_slim_kmap_local(struct page *page)
{
	if (static_branch_unlikely(&kb_model_key) && kb_slim_is_protected(page))
		kb_slim_open();
	return kb_model_page_address(page);
}

static __always_inline void kb_slim_kunmap_local(void *addr)
{
	if (static_branch_unlikely(&kb_model_key) && kb_slim_is_protected(kb_slim_page_of(addr)))
		kb_slim_close();
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
