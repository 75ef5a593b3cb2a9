// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/highmem.h>
#include <linux/ioport.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "devmap.h"

/*
 * Where all persistent memory is protected, nobody has an unprotected device page to give.
 * Then it is one of memory that the kernel was told to leave alone (memmap=2M$ADDRESS).
 */
static ulong device_memory;
module_param(device_memory, ulong, 0444);
MODULE_PARM_DESC(device_memory,
		 "physical address of 2 MiB of reserved memory, to be an unprotected device page");

static struct dev_pagemap kb_pagemap;
static struct page *kb_own_page;	/* NULL: none */

int kb_devmap_init(void)
{
	struct range range = { .start = device_memory, .end = device_memory + SZ_2M - 1 };
	void *mapped;

	if (!device_memory)
		return 0;
	if (!IS_ALIGNED(device_memory, SZ_2M) ||
	    region_intersects(device_memory, SZ_2M, IORESOURCE_MEM, IORES_DESC_RESERVED) !=
	    REGION_INTERSECTS) {
		pr_err("device_memory=%#lx: not 2 MiB of reserved memory (memmap=2M$ADDRESS)\n",
		       device_memory);
		return -EINVAL;
	}
	kb_pagemap.type = MEMORY_DEVICE_GENERIC;
	kb_pagemap.nr_range = 1;
	kb_pagemap.range = range;
	mapped = memremap_pages(&kb_pagemap, NUMA_NO_NODE);
	if (IS_ERR(mapped)) {
		pr_err("device_memory=%#lx: cannot be mapped (%ld)\n", device_memory,
		       PTR_ERR(mapped));
		return PTR_ERR(mapped);
	}
	kb_own_page = pfn_to_page(PHYS_PFN(device_memory));
	return 0;
}

void kb_devmap_exit(void)
{
	if (kb_own_page)
		memunmap_pages(&kb_pagemap);
}

static int kb_devmap_pin(struct kb_ctx *ctx)
{
	unsigned long address = ctx->run->user_page & PAGE_MASK;
	int pinned;

	if (!ctx->run->user_page)
		return kb_skip(ctx, "no page of a DAX file or device was given");
	/* short-term: file systems on DAX refuse a longer pin */
	pinned = pin_user_pages_fast(address, 1, FOLL_WRITE, &ctx->pinned);
	if (pinned != 1)
		return pinned < 0 ? pinned : -EFAULT;
	if (!is_zone_device_page(ctx->pinned)) {
		unpin_user_page(ctx->pinned);
		return kb_skip(ctx, "the page that was given is ordinary memory, not a device's");
	}
	ctx->page = ctx->pinned;
	ctx->expected = page_address(ctx->page);
	return 0;
}

/* Only our own PKS kernel (kernels/series/linux-6.12-pks) can say that a page is protected. */
static bool kb_devmap_protected(const struct page *page)
{
#ifdef CONFIG_DEVMAP_ACCESS_PROTECTION
	return static_branch_unlikely(&devmap_protection_key) && page_access_protected(page);
#else
	return false;
#endif
}

const char *kb_devmap_refuse_protected(void)
{
	if (!IS_ENABLED(CONFIG_DEVMAP_ACCESS_PROTECTION))
		return "this kernel protects no device pages";
	return NULL;
}

/* Why the pinned page is not the one that the case wants, or NULL. */
static const char *kb_devmap_mismatch(struct page *page, bool tail, bool protected)
{
	if (tail && !PageTail(page))
		return "the page that was given is no tail of a huge one";
	if (!tail && PageTail(page))
		return "the page that was given is part of a huge one";
	if (protected && !kb_devmap_protected(page))
		return "the page that was given is not protected";
	if (!protected && kb_devmap_protected(page))
		return "the page that was given is protected";
	return NULL;
}

static int kb_devmap_setup(struct kb_ctx *ctx, bool tail, bool protected)
{
	const char *mismatch;
	int err = kb_devmap_pin(ctx);

	if (err)
		return err;
	mismatch = kb_devmap_mismatch(ctx->page, tail, protected);
	if (!mismatch)
		return 0;
	if (tail || protected || !kb_own_page) {
		unpin_user_page(ctx->pinned);
		return kb_skip(ctx, mismatch);
	}
	ctx->page = kb_own_page;
	ctx->expected = page_address(kb_own_page);
	return 0;
}

int kb_devmap_setup_page(struct kb_ctx *ctx)
{
	return kb_devmap_setup(ctx, false, false);
}

int kb_devmap_setup_protected(struct kb_ctx *ctx)
{
	return kb_devmap_setup(ctx, false, true);
}

int kb_devmap_setup_any(struct kb_ctx *ctx)
{
	return kb_devmap_pin(ctx);
}

int kb_devmap_setup_tail(struct kb_ctx *ctx)
{
	return kb_devmap_setup(ctx, true, false);
}

void kb_devmap_hold(struct kb_ctx *ctx)
{
	ctx->held = kmap_local_page(ctx->pinned);
}

void kb_devmap_release(struct kb_ctx *ctx)
{
	kunmap_local(ctx->held);
}

void kb_devmap_teardown(struct kb_ctx *ctx)
{
	unpin_user_page(ctx->pinned);
}
