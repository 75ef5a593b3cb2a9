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
	void *buffer;		/* a page to copy to and from */
	struct kb_pks_state pks;	/* valid from kb_pks_enter to kb_pks_leave */
	u32 pkru;		/* of this sample, where the case has read it */
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
	bool needs_pku;		/* RDPKRU and WRPKRU are used */
	bool guarded;		/* map opens a closed page: the oracle must hold */
	u32 depth;		/* mappings that are held while the body maps */
	bool everyday;		/* measured without being asked for by name */
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
		void *buffer __maybe_unused = ctx->buffer;		\
									\
		do {							\
			step;						\
			barrier();					\
		} while (--ops);					\
	}

/* What is done through a mapping: each is a body of its own. */
#define KB_TOUCH_none(addr)
#define KB_TOUCH_read8(addr)	((void)READ_ONCE(*(u64 *)(addr)))
#define KB_TOUCH_write8(addr)	WRITE_ONCE(*(u64 *)(addr), 0)
#define KB_TOUCH_copy64_out(addr)	memcpy(buffer, (addr), 64)
#define KB_TOUCH_copy64_in(addr)	memcpy((addr), buffer, 64)
#define KB_TOUCH_copy4k_out(addr)	memcpy(buffer, (addr), PAGE_SIZE)
#define KB_TOUCH_copy4k_in(addr)	memcpy((addr), buffer, PAGE_SIZE)

/* The body of one map/touch/unmap: PREFIX_TOUCH. */
#define KB_PATH_BODY(prefix, map, unmap, touch)				\
	KB_BODY(prefix##_##touch, {					\
		void *addr = map(page);					\
									\
		KB_OPAQUE(addr);					\
		KB_TOUCH_##touch(addr);					\
		unmap(addr);						\
	})

/* X(prefix, ..., touch) for each of them; KB_EACH_ACCESS leaves out none. */
#define KB_EACH_TOUCH(X, ...)						\
	X(__VA_ARGS__, none)						\
	KB_EACH_ACCESS(X, __VA_ARGS__)

#define KB_EACH_ACCESS(X, ...)						\
	X(__VA_ARGS__, read8)						\
	X(__VA_ARGS__, write8)						\
	X(__VA_ARGS__, copy64_out)					\
	X(__VA_ARGS__, copy64_in)					\
	X(__VA_ARGS__, copy4k_out)					\
	X(__VA_ARGS__, copy4k_in)

#define KB_DECLARE_BODY(prefix, touch)					\
	void prefix##_##touch(struct kb_ctx *ctx, u64 ops);

void kb_body_empty(struct kb_ctx *ctx, u64 ops);

/* sample.c: fills samples[0 .. run->samples - 1]; -EINTR, -E2BIG */
int kb_sample(const struct kb_case *c, struct kb_ctx *ctx,
	      struct kmapbench_sample *samples);
/* executed once at load, so that an outside observer knows that we are here */
void kb_mark_loaded(void);

#endif /* KMAPBENCH_CASE_H */
