// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world of the model cases: pages, their descriptors, their pagemap
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "devmap.h"
#include "kernel_path.h"
#include "model.h"

DEFINE_PER_CPU(struct kb_model_task *, kb_model_current_task);
DEFINE_PER_CPU(u32, kb_model_pkrs_cache);
DEFINE_STATIC_KEY_FALSE(kb_model_key);

unsigned long kb_model_vmemmap_base __read_mostly;
unsigned long kb_model_page_offset_base __read_mostly;
unsigned long kb_model_phys_base __read_mostly;

/* RUN is exclusive, so there is one world at a time. */
static struct {
	struct page **backing;		/* the real pages that hold the data */
	u32 count;
	struct page *descriptors;	/* what the model takes for their struct pages */
	void *alias;			/* where the model maps them */
	struct dev_pagemap pagemap;
	struct kb_model_task task;
} world;

static void kb_world_destroy(void)
{
	vunmap(world.alias);
	/* a lazily unmapped alias must not leave our key behind in a TLB */
	vm_unmap_aliases();
	kvfree(world.descriptors);
	kb_pages_free(world.backing, world.count);
	memset(&world, 0, sizeof(world));
}

static void kb_world_fill(enum zone_type zone, unsigned long pagemap_flags)
{
	u32 i;

	world.pagemap.flags = pagemap_flags;
	for (i = 0; i < world.count; i++) {
		set_page_zone(&world.descriptors[i], zone);
		kb_page_word(&world.descriptors[i]) = (unsigned long)&world.pagemap;
	}
	kb_model_vmemmap_base = (unsigned long)world.descriptors;
	kb_model_page_offset_base = (unsigned long)world.alias;
	kb_model_phys_base = 0;
}

static int kb_world_create(struct kb_ctx *ctx, enum zone_type zone,
			   unsigned long pagemap_flags, u32 key)
{
	pgprot_t prot = __pgprot(pgprot_val(PAGE_KERNEL) | ((u64)key << KB_PTE_KEY_SHIFT));

	world.count = kb_set_pages(ctx);
	if (!world.count)
		return KB_SKIP;
	world.backing = kb_pages_alloc(world.count);
	world.descriptors = kvcalloc(world.count, sizeof(*world.descriptors), GFP_KERNEL);
	if (!world.backing || !world.descriptors)
		goto no_memory;
	/* the key is in this alias only: one in the direct map would split it for ever */
	world.alias = vmap(world.backing, world.count, VM_MAP, prot);
	if (!world.alias)
		goto no_memory;
	kb_world_fill(zone, pagemap_flags);
	if (ctx->set != KB_SET_NONE &&
	    kb_ring_create(ctx, world.backing, world.descriptors, world.count))
		goto no_memory;

	ctx->page = world.descriptors;
	ctx->expected = world.alias;
	return 0;

no_memory:
	kb_ring_destroy(ctx);
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

/*
 * Memory lies below what is protected, and an unprotected device above it, as mostly where
 * there is persistent memory: one comparison a side, or two.
 */
static void kb_protect_above_all(void)
{
	kb_slim_protect((void *)ULONG_MAX, (void *)ULONG_MAX);
}

static void kb_protect_below_all(void)
{
	kb_slim_protect(NULL, NULL);
}

int kb_model_setup_dram(struct kb_ctx *ctx)
{
	kb_protect_above_all();
	return kb_world_create_key_on(ctx, ZONE_NORMAL, 0, 0);
}

int kb_model_setup_devmap(struct kb_ctx *ctx)
{
	kb_protect_below_all();
	return kb_world_create_key_on(ctx, ZONE_DEVICE, 0, 0);
}

int kb_model_setup_protected(struct kb_ctx *ctx)
{
	int err = kb_world_create_key_on(ctx, ZONE_DEVICE, KB_PGMAP_PROTECTION, KB_KEY);

	if (!err)
		kb_slim_protect(world.alias, world.alias + world.count * PAGE_SIZE);
	return err;
}

void kb_model_teardown(struct kb_ctx *ctx)
{
	static_branch_disable(&kb_model_key);
	kb_ring_destroy(ctx);
	kb_world_destroy();
}

/*
 * The kernel's own bases: the path then takes real pages, and reads of them what it reads.
 * With the error of who was to get these pages, nothing.
 */
static int kb_model_use_kernel_pages(int err)
{
	if (err)
		return err;
	kb_model_vmemmap_base = (unsigned long)vmemmap;
	kb_model_page_offset_base = PAGE_OFFSET;
	kb_model_phys_base = phys_base;
	static_branch_enable(&kb_model_key);
	return 0;
}

int kb_model_setup_kernel_dram(struct kb_ctx *ctx)
{
	kb_protect_above_all();
	return kb_model_use_kernel_pages(kb_kernel_setup_dram(ctx));
}

void kb_model_teardown_kernel_dram(struct kb_ctx *ctx)
{
	static_branch_disable(&kb_model_key);
	kb_kernel_teardown_dram(ctx);
}

int kb_model_setup_kernel_devmap(struct kb_ctx *ctx)
{
	kb_protect_below_all();
	return kb_model_use_kernel_pages(kb_devmap_setup_page(ctx));
}

int kb_model_setup_kernel_devmap_tail(struct kb_ctx *ctx)
{
	kb_protect_below_all();
	return kb_model_use_kernel_pages(kb_devmap_setup_tail(ctx));
}

void kb_model_teardown_kernel_devmap(struct kb_ctx *ctx)
{
	static_branch_disable(&kb_model_key);
	kb_devmap_teardown(ctx);
}

void kb_model_enter(struct kb_ctx *ctx)
{
	world.task.pkrs = KB_PKRS_CLOSED;
	world.task.pgmap_prot_count = 0;
	world.task.pks = 0;
	kb_slim_enter();
	this_cpu_write(kb_model_current_task, &world.task);
	this_cpu_write(kb_model_pkrs_cache, KB_PKRS_CLOSED);
}
