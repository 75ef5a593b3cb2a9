/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * case.h - what a case is made of
 *
 * A case is a row in cases.c: a name, a body that does the operation n times,
 * and, where it needs them, the steps around it.  The order of one RUN is
 *
 *	setup				may sleep
 *	oracle				may sleep
 *	per sample, interrupts off, on one CPU:
 *		enter			PKS on and closed; then the outer mappings
 *		body(ops), body(2 * ops), each between markers, timed
 *		the outer mappings, in reverse
 *	oracle
 *	teardown
 */
#ifndef KMAPBENCH_CASE_H
#define KMAPBENCH_CASE_H

#include <linux/mm_types.h>
#include <linux/types.h>

#include "kmapbench.h"
#include "pks.h"

struct kb_ctx {
	struct page *page;	/* what the body maps */
	void *expected;		/* the address that mapping it must give */
	struct kb_pks_state pks;	/* valid from kb_pks_enter to kb_pks_leave */
	struct kmapbench_run *run;
};

/* Does the operation ops times.  noinline: one symbol, one loop, readable by objdump. */
typedef void (*kb_body_t)(struct kb_ctx *ctx, u64 ops);

struct kb_case {
	const char *name;
	const char *what;
	kb_body_t body;
	int (*setup)(struct kb_ctx *ctx);
	void (*teardown)(struct kb_ctx *ctx);
	void (*enter)(struct kb_ctx *ctx);
	/* maps ctx->page as the body does and says what it got; checked before timing */
	void *(*map)(struct kb_ctx *ctx);
	void (*unmap)(struct kb_ctx *ctx, void *addr);
	bool needs_pks;		/* PKS is on in each sample */
	bool guarded;		/* map opens a closed page: the oracle must hold */
	u32 depth;		/* mappings that are held while the body maps */
};

/* Around samples and checks of a case: enter, the outer mappings; and back. */
void kb_enter(const struct kb_case *c, struct kb_ctx *ctx);
void kb_leave(const struct kb_case *c, struct kb_ctx *ctx);

extern const struct kb_case kb_cases[];
extern const u32 kb_case_count;

/*
 * Makes an address opaque: without it the compiler would see through the map, and
 * take the unmap's way back to the page for the page it started from.
 */
#define KB_OPAQUE(value) asm volatile("" : "+r"(value) : : "memory")

/*
 * Every body has the same loop, so that body minus kb_body_empty is the
 * operation.  Kbuild keeps the compiler from moving anything out of it.
 */
#define KB_BODY(name, step)						\
	noinline void name(struct kb_ctx *ctx, u64 ops)			\
	{								\
		struct page *page __maybe_unused = ctx->page;		\
									\
		do {							\
			step;						\
			barrier();					\
		} while (--ops);					\
	}

void kb_body_empty(struct kb_ctx *ctx, u64 ops);

/* sample.c: fills samples[0 .. run->samples - 1]; -EINTR, -E2BIG */
int kb_sample(const struct kb_case *c, struct kb_ctx *ctx,
	      struct kmapbench_sample *samples);
/* executed once at load, so that an outside observer knows that we are here */
void kb_mark_loaded(void);

#endif /* KMAPBENCH_CASE_H */
