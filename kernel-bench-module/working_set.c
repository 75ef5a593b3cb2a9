// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "case.h"
#include "kernel_api.h"

#define KB_LINE_BYTES		64u
#define KB_LINES_A_PAGE		(PAGE_SIZE / KB_LINE_BYTES)
/* of data, and of struct page */
#define KB_BYTES_A_PAGE		(2 * KB_LINE_BYTES)

/* The same order each time: a figure must not hang on it. */
#define KB_SHUFFLE_SEED		0x6b6d6170

struct kb_caches {
	u32 level[4];		/* data or unified, bytes, by level 1 .. 3; 0: none */
};

/* Deterministic cache parameters: leaf 4 (SDM vol. 2A, CPUID), 8000001DH on AMD, of one form. */
static void kb_caches_by_leaf(struct kb_caches *caches, u32 leaf)
{
	u32 eax, ebx, ecx, edx, level, type, i;

	for (i = 0; i < 8; i++) {
		cpuid_count(leaf, i, &eax, &ebx, &ecx, &edx);
		type = eax & 0x1f;
		level = (eax >> 5) & 7;
		if (!type)
			return;
		if (type == 2 || level < 1 || level > 3)	/* 2: instructions */
			continue;
		caches->level[level] = ((ebx >> 22) + 1) * (((ebx >> 12) & 0x3ff) + 1) *
				       ((ebx & 0xfff) + 1) * (ecx + 1);
	}
}

/* Before that leaf there were 80000005H and 80000006H (AMD APM vol. 3, appendix E). */
static void kb_caches_by_size(struct kb_caches *caches)
{
	if (cpuid_eax(0x80000000) < 0x80000006)
		return;
	caches->level[1] = (cpuid_ecx(0x80000005) >> 24) * 1024;
	caches->level[2] = (cpuid_ecx(0x80000006) >> 16) * 1024;
	caches->level[3] = (cpuid_edx(0x80000006) >> 18) * 512 * 1024;
}

static struct kb_caches kb_caches(void)
{
	struct kb_caches caches = { };

	if (boot_cpu_has(X86_FEATURE_TOPOEXT))
		kb_caches_by_leaf(&caches, 0x8000001d);
	else if (boot_cpu_data.cpuid_level >= 4)
		kb_caches_by_leaf(&caches, 4);
	if (!caches.level[1])
		kb_caches_by_size(&caches);
	return caches;
}

/*
 * Half of a cache stays in it; four times the last one does not, and more than twice
 * is left of them when the number of pages is rounded down to a power of two.
 */
static u64 kb_set_bytes(enum kb_set set)
{
	struct kb_caches caches = kb_caches();
	u32 last = caches.level[3] ? caches.level[3] : caches.level[2];

	switch (set) {
	case KB_SET_L1:
		return caches.level[1] / 2;
	case KB_SET_L2:
		return caches.level[2] / 2;
	case KB_SET_LLC:
		return last / 2;
	case KB_SET_MEMORY:
		return 4ULL * last;
	default:
		return KB_BYTES_A_PAGE;
	}
}

u32 kb_set_pages(struct kb_ctx *ctx)
{
	u64 bytes = kb_set_bytes(ctx->set);
	u64 pages;

	if (bytes < KB_BYTES_A_PAGE) {
		kb_skip(ctx, "this CPU does not tell the size of that cache");
		return 0;
	}
	pages = rounddown_pow_of_two(bytes / KB_BYTES_A_PAGE);
	/* with the spots and the model's descriptors well under two pages each */
	if (pages > 1 && pages > si_mem_available() / 2) {
		kb_skip(ctx, "a working set of that size takes more than half of the free memory");
		return 0;
	}
	ctx->run->pages = pages;
	return pages;
}

/* Charged to who runs this, and not by pushing out what others use. */
#define KB_SET_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NORETRY)

struct page **kb_pages_alloc(u32 count)
{
	struct page **pages = kvcalloc(count, sizeof(*pages), KB_SET_GFP);
	u32 i;

	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(KB_SET_GFP | __GFP_ZERO);
		if (!pages[i] || fatal_signal_pending(current)) {
			kb_pages_free(pages, count);
			return NULL;
		}
		cond_resched();
	}
	return pages;
}

void kb_pages_free(struct page **pages, u32 count)
{
	u32 i;

	for (i = 0; pages && i < count && pages[i]; i++) {
		__free_page(pages[i]);
		cond_resched();
	}
	kvfree(pages);
}

/* A random order of all spots (Fisher and Yates). */
static void kb_ring_shuffle(struct kb_spot *spots, u32 *order, u32 count)
{
	struct rnd_state random;
	u32 i;

	prandom_seed_state(&random, KB_SHUFFLE_SEED);
	for (i = count - 1; i > 0; i--) {
		u32 other = prandom_u32_state(&random) % (i + 1);

		swap(spots[i], spots[other]);
		swap(order[i], order[other]);
		cond_resched();
	}
}

int kb_ring_create(struct kb_ctx *ctx, struct page **pages, struct page *descriptors, u32 count)
{
	struct kb_ring *ring = &ctx->ring;
	u32 *order;
	u32 i;

	ring->spots = kvmalloc_array(count, sizeof(*ring->spots), KB_SET_GFP);
	order = kvmalloc_array(count, sizeof(*order), KB_SET_GFP);
	if (!ring->spots || !order) {
		kvfree(order);
		return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		ring->spots[i].page = descriptors ? &descriptors[i] : pages[i];
		ring->spots[i].offset = i % KB_LINES_A_PAGE * KB_LINE_BYTES;
		order[i] = i;
	}
	kb_ring_shuffle(ring->spots, order, count);
	for (i = 0; i < count; i++) {
		/* by the direct map: the path's own mapping may be closed */
		struct kb_spot *data = page_address(pages[order[i]]) + ring->spots[i].offset;

		*data = ring->spots[(i + 1) % count];
		cond_resched();
	}
	kvfree(order);
	ring->mask = count - 1;
	ring->next = 0;
	ring->at = ring->spots[0];
	return 0;
}

void kb_ring_destroy(struct kb_ctx *ctx)
{
	kvfree(ctx->ring.spots);
	memset(&ctx->ring, 0, sizeof(ctx->ring));
}
