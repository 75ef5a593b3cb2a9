// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel/ cases: what this kernel's own map and unmap compile to
 */
#include <linux/highmem.h>
#include <linux/mm.h>

#include "kernel_path.h"

KB_EACH_TOUCH(KB_PATH_BODY, kb_body_kernel_kmap_local, kmap_local_page, kunmap_local)
KB_RING_BODIES(kb_body_kernel_kmap_local, kmap_local_page, kunmap_local)
KB_PATH_BODY(kb_body_kernel_kmap_atomic, kmap_atomic, kunmap_atomic, none)

static __always_inline void *kb_kmap_local_folio(struct page *page)
{
	return kmap_local_folio((struct folio *)page, 0);
}

KB_PATH_BODY(kb_body_kernel_kmap_local_folio, kb_kmap_local_folio, kunmap_local, none)

/* kunmap() takes the page, and by all means the one that was mapped. */
KB_BODY(kb_body_kernel_kmap_none, {
	void *addr = kmap(page);

	KB_OPAQUE(addr);
	kunmap(page);
})

void *kb_kernel_map(struct kb_ctx *ctx)
{
	return kmap_local_page(ctx->page);
}

void kb_kernel_unmap(struct kb_ctx *ctx, void *addr)
{
	kunmap_local(addr);
}

static struct page **pages;	/* RUN is exclusive */
static u32 count;

int kb_kernel_setup_dram(struct kb_ctx *ctx)
{
	int err;

	count = kb_set_pages(ctx);
	if (!count)
		return KB_SKIP;
	pages = kb_pages_alloc(count);
	if (!pages)
		return -ENOMEM;
	ctx->page = pages[0];
	ctx->expected = page_address(pages[0]);
	if (ctx->set == KB_SET_NONE)
		return 0;
	err = kb_ring_create(ctx, pages, NULL, count);
	if (err)
		kb_kernel_teardown_dram(ctx);
	return err;
}

void kb_kernel_teardown_dram(struct kb_ctx *ctx)
{
	kb_ring_destroy(ctx);
	kb_pages_free(pages, count);
}
