// SPDX-License-Identifier: GPL-2.0-only
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

int kb_devmap_setup_page(struct kb_ctx *ctx)
{
	int err = kb_devmap_pin(ctx);

	if (!err && PageTail(ctx->page)) {
		unpin_user_page(ctx->page);
		return kb_skip(ctx, "the page that was given is part of a huge one");
	}
	return err;
}

int kb_devmap_setup_tail(struct kb_ctx *ctx)
{
	int err = kb_devmap_pin(ctx);

	if (!err && !PageTail(ctx->page)) {
		unpin_user_page(ctx->page);
		return kb_skip(ctx, "the page that was given is no tail of a huge one");
	}
	return err;
}

void kb_devmap_teardown(struct kb_ctx *ctx)
{
	unpin_user_page(ctx->page);
}
