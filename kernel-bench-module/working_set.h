/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Working sets: a case that goes round many pages, in a random order
 *
 * Of each page one line of its data and its struct page are touched, so a set of n
 * pages is 2 * n cache lines; the line is at another offset in each page, else all
 * would compete for the same few sets of the first cache.
 */
#ifndef KMAPBENCH_WORKING_SET_H
#define KMAPBENCH_WORKING_SET_H

#include <linux/mm_types.h>
#include <linux/types.h>

struct kb_ctx;

/* Where the lines of a set come from when its turn comes again. */
enum kb_set {
	KB_SET_NONE,
	KB_SET_PAGE,		/* one page, over and over */
	KB_SET_L1,
	KB_SET_L2,
	KB_SET_LLC,
	KB_SET_MEMORY,
};

/* A line to be touched.  In the ring's data a spot holds the one that follows it. */
struct kb_spot {
	struct page *page;
	u64 offset;
};

struct kb_ring {
	struct kb_spot *spots;
	u64 mask;		/* how many, less one: a power of two, so that no turn is longer */
	u64 next;		/* the next one by the list, from 0 up */
	struct kb_spot at;	/* the next one by the data */
};

/* Pages that a case of ctx->set takes, 1 without a set; 0 with the reason in run. */
u32 kb_set_pages(struct kb_ctx *ctx);

/* @count pages of memory, zeroed; NULL: no memory, or the caller is being killed. */
struct page **kb_pages_alloc(u32 count);
void kb_pages_free(struct page **pages, u32 count);

/*
 * Strings @count pages up to a ring in ctx->ring.  @pages hold the data; page i is
 * known to the path as &descriptors[i], or as itself where that is NULL.
 */
int kb_ring_create(struct kb_ctx *ctx, struct page **pages, struct page *descriptors, u32 count);
void kb_ring_destroy(struct kb_ctx *ctx);

#endif /* KMAPBENCH_WORKING_SET_H */
