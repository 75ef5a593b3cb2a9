// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel_path.c - the kernel/ cases: what this kernel's own map and unmap compile to
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>

#include "kernel_path.h"

KB_BODY(kb_body_kernel_kmap_local, {
	void *addr = kmap_local_page(page);

	KB_OPAQUE(addr);
	kunmap_local(addr);
})

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
