// SPDX-License-Identifier: GPL-2.0-only
/*
 * model.c - the world of the model cases: one page, its descriptor, its pagemap
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "model.h"

DEFINE_PER_CPU(struct kb_model_task *, kb_model_current_task);
DEFINE_PER_CPU(u32, kb_model_pkrs_cache);
DEFINE_STATIC_KEY_FALSE(kb_model_key);

unsigned long kb_model_vmemmap_base __read_mostly;
unsigned long kb_model_page_offset_base __read_mostly;
unsigned long kb_model_phys_base __read_mostly;

/* RUN is exclusive, so there is one world at a time. */
static struct {
	struct page *backing;		/* the real page that holds the data */
	struct page *descriptor;	/* what the model takes for its struct page */
	void *alias;			/* where the model maps it */
	struct dev_pagemap pagemap;
	struct kb_model_task task;
} world;

static void kb_world_destroy(void)
{
	vunmap(world.alias);
	/* a lazily unmapped alias must not leave our key behind in a TLB */
	vm_unmap_aliases();
	kfree(world.descriptor);
	if (world.backing)
		__free_page(world.backing);
	memset(&world, 0, sizeof(world));
}

static int kb_world_create(struct kb_ctx *ctx, enum zone_type zone,
			   unsigned long pagemap_flags, u32 key)
{
	pgprot_t prot = __pgprot(pgprot_val(PAGE_KERNEL) | ((u64)key << KB_PTE_KEY_SHIFT));

	world.backing = alloc_page(GFP_KERNEL | __GFP_ZERO);
	world.descriptor = kzalloc(sizeof(*world.descriptor), GFP_KERNEL);
	if (!world.backing || !world.descriptor)
		goto no_memory;
	/* the key is in this alias only: one in the direct map would split it for ever */
	world.alias = vmap(&world.backing, 1, VM_MAP, prot);
	if (!world.alias)
		goto no_memory;

	world.pagemap.flags = pagemap_flags;
	set_page_zone(world.descriptor, zone);
	world.descriptor->pgmap = &world.pagemap;

	kb_model_vmemmap_base = (unsigned long)world.descriptor;
	kb_model_page_offset_base = (unsigned long)world.alias;
	kb_model_phys_base = 0;

	ctx->page = world.descriptor;
	ctx->expected = world.alias;
	return 0;

no_memory:
	kb_world_destroy();
	return -ENOMEM;
}

int kb_model_setup_key_off(struct kb_ctx *ctx)
{
	return kb_world_create(ctx, ZONE_NORMAL, 0, 0);
}

static int kb_world_create_key_on(struct kb_ctx *ctx, enum zone_type zone,
				  unsigned long pagemap_flags, u32 key)
{
	int err = kb_world_create(ctx, zone, pagemap_flags, key);

	if (!err)
		static_branch_enable(&kb_model_key);
	return err;
}

int kb_model_setup_dram(struct kb_ctx *ctx)
{
	return kb_world_create_key_on(ctx, ZONE_NORMAL, 0, 0);
}

int kb_model_setup_devmap(struct kb_ctx *ctx)
{
	return kb_world_create_key_on(ctx, ZONE_DEVICE, 0, 0);
}

int kb_model_setup_protected(struct kb_ctx *ctx)
{
	return kb_world_create_key_on(ctx, ZONE_DEVICE, KB_PGMAP_PROTECTION, KB_KEY);
}

void kb_model_teardown(struct kb_ctx *ctx)
{
	static_branch_disable(&kb_model_key);
	kb_world_destroy();
}

void kb_model_enter(struct kb_ctx *ctx)
{
	world.task.pkrs = ctx->pks.closed;
	world.task.pgmap_prot_count = 0;
	this_cpu_write(kb_model_current_task, &world.task);
	this_cpu_write(kb_model_pkrs_cache, ctx->pks.closed);
}
