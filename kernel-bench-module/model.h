/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model/ cases: the patched path, written out in this module
 *
 * A distribution kernel does not have the patch, so the module brings its own
 * copy of everything the path touches: struct pages, a pagemap, data pages behind
 * an alias mapping, a task, and the base variables of the address arithmetic.
 * The types, the inlines and the static key are the kernel's own, so that the
 * compiler emits what it would emit in the kernel; nothing of the kernel's state
 * is touched.
 *
 * Each step of the path is an inline of its own: the report says where the
 * instructions go by these names (analysis/summary/parts.toml).
 */
#ifndef KMAPBENCH_MODEL_H
#define KMAPBENCH_MODEL_H

#include <linux/jump_label.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/percpu.h>

#include "case.h"

/* The flag that the series adds to dev_pagemap.flags; free in 6.1 and 6.12. */
#define KB_PGMAP_PROTECTION	BIT(7)

/* What the published series adds to task_struct, and what ours adds in their stead. */
struct kb_model_task {
	u32 pkrs;
	u32 pgmap_prot_count;

	u32 pks;
};

DECLARE_PER_CPU(struct kb_model_task *, kb_model_current_task);
DECLARE_PER_CPU(u32, kb_model_pkrs_cache);

DECLARE_STATIC_KEY_FALSE(kb_model_key);

/* Stand for vmemmap_base, page_offset_base and phys_base. */
extern unsigned long kb_model_vmemmap_base;
extern unsigned long kb_model_page_offset_base;
extern unsigned long kb_model_phys_base;

#define kb_model_current	this_cpu_read_stable(kb_model_current_task)

/* page_address() of a kernel without highmem: page frame number, then the direct map. */
static __always_inline void *kb_model_page_address(const struct page *page)
{
	unsigned long pfn = page - (struct page *)kb_model_vmemmap_base;

	return (void *)((pfn << PAGE_SHIFT) + kb_model_page_offset_base);
}

/*
 * virt_to_page(): as __pa() does, it accepts an address of the kernel image as
 * well as one of the direct map, although no mapped page is ever in the image.
 */
static __always_inline struct page *kb_model_virt_to_page(const void *addr)
{
	unsigned long virt = (unsigned long)addr;
	unsigned long offset = virt - __START_KERNEL_map;
	bool in_image = virt > offset;	/* the subtraction did not wrap */
	unsigned long phys = offset + (in_image ? kb_model_phys_base :
				       __START_KERNEL_map - kb_model_page_offset_base);

	return (struct page *)kb_model_vmemmap_base + (phys >> PAGE_SHIFT);
}

/* Setup of each state: what the page is, and whether the static key is on. */
int kb_model_setup_key_off(struct kb_ctx *ctx);
int kb_model_setup_dram(struct kb_ctx *ctx);
int kb_model_setup_devmap(struct kb_ctx *ctx);
int kb_model_setup_protected(struct kb_ctx *ctx);
void kb_model_teardown(struct kb_ctx *ctx);

/* The same on the kernel's own pages, key on: memory; a page of a DAX file; of a device. */
int kb_model_setup_kernel_dram(struct kb_ctx *ctx);
void kb_model_teardown_kernel_dram(struct kb_ctx *ctx);
int kb_model_setup_kernel_devmap(struct kb_ctx *ctx);
int kb_model_setup_kernel_devmap_tail(struct kb_ctx *ctx);
void kb_model_teardown_kernel_devmap(struct kb_ctx *ctx);

/* A task that has nothing open, on a CPU that knows it. */
void kb_model_enter(struct kb_ctx *ctx);

/* model_published.c */
KB_DECLARE_PATH(kb_body_published)
void *kb_published_map(struct kb_ctx *ctx);
void kb_published_unmap(struct kb_ctx *ctx, void *addr);

/* model_slim.c */
KB_DECLARE_PATH(kb_body_slim)
void kb_slim_open(const void *addr);
void kb_slim_close(const void *addr);
void kb_slim_protect(const void *start, const void *end);
void kb_slim_enter(void);
void *kb_slim_map(struct kb_ctx *ctx);
void kb_slim_unmap(struct kb_ctx *ctx, void *addr);

/* model_published_pks.c: the path's out-of-line half */
void kb_published_open(struct dev_pagemap *pgmap);
void kb_published_close(struct dev_pagemap *pgmap);
void kb_published_update_protection(u8 key, u8 protection);

#endif /* KMAPBENCH_MODEL_H */
