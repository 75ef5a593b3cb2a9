// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel_path.c - the kernel/ cases: what this kernel's own map and unmap compile to
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>

#include "kernel_path.h"

KB_EACH_TOUCH(KB_PATH_BODY, kb_body_kernel_kmap_local, kmap_local_page, kunmap_local)
KB_PATH_BODY(kb_body_kernel_kmap_atomic, kmap_atomic, kunmap_atomic, none)

static __always_inline void *kb_kmap_local_folio(struct page *page)
{
	return kmap_local_folio((struct folio *)page, 0);
}

KB_PATH_BODY(kb_body_kernel_kmap_local_folio, kb_kmap_local_folio, kunmap_local, none)

void *kb_kernel_map(struct kb_ctx *ctx)
{
	return kmap_local_page(ctx->page);
}

void kb_kernel_unmap(struct kb_ctx *ctx, void *addr)
{
	kunmap_local(addr);
}

int kb_kernel_setup_dram(struct kb_ctx *ctx)
{
	void *data = (void *)get_zeroed_page(GFP_KERNEL);

	if (!data)
		return -ENOMEM;
	ctx->page = virt_to_page(data);
	ctx->expected = data;
	return 0;
}

void kb_kernel_teardown_dram(struct kb_ctx *ctx)
{
	free_page((unsigned long)ctx->expected);
}
