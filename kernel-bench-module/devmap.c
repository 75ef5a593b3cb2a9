// SPDX-License-Identifier: GPL-2.0-only
#include <linux/memremap.h>
#include <linux/mm.h>

#include "devmap.h"

static int kb_devmap_pin(struct kb_ctx *ctx)
{
	unsigned long address = ctx->run->user_page & PAGE_MASK;
	int pinned;

	if (!ctx->run->user_page)
		return kb_skip(ctx, "no page of a DAX file or device was given");
	/* short-term: file systems on DAX refuse a longer pin */
	pinned = pin_user_pages_fast(address, 1, FOLL_WRITE, &ctx->page);
	if (pinned != 1)
		return pinned < 0 ? pinned : -EFAULT;
	if (!is_zone_device_page(ctx->page)) {
		unpin_user_page(ctx->page);
		return kb_skip(ctx, "the page that was given is ordinary memory, not a device's");
	}
	ctx->expected = page_address(ctx->page);
	return 0;
}

/* Only our own PKS kernel (lab/kernels/pks) can say of a page that it is protected. */
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
static const char *kb_devmap_mismatch(const struct page *page, bool tail, bool protected)
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
	unpin_user_page(ctx->page);
	return kb_skip(ctx, mismatch);
}

int kb_devmap_setup_page(struct kb_ctx *ctx)
{
	return kb_devmap_setup(ctx, false, false);
}

int kb_devmap_setup_protected(struct kb_ctx *ctx)
{
	return kb_devmap_setup(ctx, false, true);
}

int kb_devmap_setup_tail(struct kb_ctx *ctx)
{
	return kb_devmap_setup(ctx, true, false);
}

void kb_devmap_teardown(struct kb_ctx *ctx)
{
	unpin_user_page(ctx->page);
}
