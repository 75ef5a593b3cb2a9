/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a case is made of
 *
 * A case is a row in cases.c: a name, a body that does the operation n times,
 * and, where it needs them, the steps around it.  The order of one RUN is
 *
 *	setup				may sleep
 *	oracle				may sleep
 *	per sample: before_sample	may sleep
 *	and, under the run's IRQ policy:
 *		enter			PKS on and closed; then the outer mappings
 *		empty, body and shifted body, each (ops) and (2 * ops), between
 *		markers, timed; the chain
 *		the outer mappings, in reverse
 *	oracle
 *	teardown
 */
#ifndef KMAPBENCH_CASE_H
#define KMAPBENCH_CASE_H

#include <linux/mm_types.h>
#include <linux/stringify.h>
#include <linux/types.h>

#include "disturbance.h"
#include "kmapbench.h"
#include "loop.h"
#include "pks.h"
#include "working_set.h"
#include "supported.h"

struct kb_ctx {
	struct page *page;	/* what the body maps */
	void *expected;		/* the address that mapping it must give */
	struct page *pinned;	/* of user space; may be another one */
	void *held;		/* a mapping of pinned, from enter to leave */
	void *buffer;		/* a page to copy to and from */
	enum kb_set set;	/* of the case */
	u32 depth;		/* of the case */
	struct kb_ring ring;	/* its pages, where there is a set */
	struct kb_pks_state pks;	/* valid from kb_pks_enter to kb_pks_leave */
	u32 pkru;		/* of this sample, where the case has read it */
	u64 stand_in;		/* value of the register that stands in, of this sample */
	struct perf_event *counter;	/* of the run's clock; NULL: that is the TSC */
	struct kmapbench_run *run;
};

/* Does the operation ops times.  noinline: one symbol, one loop, readable by objdump. */
typedef void (*kb_body_t)(struct kb_ctx *ctx, u64 ops);

/* The same code at two alignments: a figure that hangs on where it lies is seen. */
struct kb_body {
	kb_body_t aligned;
	kb_body_t shifted;	/* KMAPBENCH_SHIFT_BYTES further on */
};

#define KB_BODY_OF(name)	{ name, name##_shifted }

struct kb_case {
	const char *name;
	const char *what;
	struct kb_body body;
	/* 0, -errno, or KB_SKIP after kb_skip() */
	int (*setup)(struct kb_ctx *ctx);
	void (*teardown)(struct kb_ctx *ctx);
	/* before each sample; may sleep */
	void (*before_sample)(struct kb_ctx *ctx);
	void (*enter)(struct kb_ctx *ctx);
	void (*leave)(struct kb_ctx *ctx);
	/* maps ctx->page as the body does and says what it got; checked before timing */
	void *(*map)(struct kb_ctx *ctx);
	void (*unmap)(struct kb_ctx *ctx, void *addr);
	/* why it cannot run here, or NULL */
	const char *(*skip_reason)(void);
	enum kb_set set;	/* how many pages it goes round; body is a KB_RING_BODY */
	u32 needs_page;		/* user_page: KMAPBENCH_CASE_DEVMAP_PAGE or _TAIL */
	bool needs_pks;		/* PKS is on in each sample */
	bool needs_pku;		/* RDPKRU and WRPKRU are used */
	bool stand_in;		/* its register is not IA32_PKRS */
	bool needs_protection_check;	/* map opens a closed page: the oracle must hold */
	bool sleeps;		/* not with interrupts or preemption off */
	u32 depth;		/* mappings that are held while the body runs */
	enum kb_event event;	/* what an operation does to its CPU, once */
	bool in_default_set;	/* measured without being asked for by name */
	bool varies;		/* an operation need not take what the last one took */
	u32 known;		/* of a control: instructions of an operation, and */
	u32 known_adds;		/* of these the adds that wait for each other */
};

#define KB_SKIP		1

/* The run's figures are not to be trusted, and why. */
void kb_flag(struct kmapbench_run *run, const char *reason);

/* This case cannot run here: returns KB_SKIP, for setup to return. */
int kb_skip(struct kb_ctx *ctx, const char *reason);

/* Bit 1 << p: the case can run under enum kmapbench_irq_policy p. */
u32 kb_irq_policies(const struct kb_case *c);

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

/* Every body has the same loop (loop.h), so that body minus kb_body_empty is the operation. */
#define KB_BODY(name, step)						\
	KB_BODY_AT(name, KB_ALIGNED, step)				\
	KB_BODY_AT(name##_shifted, KB_SHIFTED, step)

#define KB_BODY_ALIGN	64	/* a cache line */
#define KB_ALIGNED
/* executed once a call, and so in no slope */
#define KB_SHIFTED	asm volatile(".skip " __stringify(KMAPBENCH_SHIFT_BYTES) ", 0x90")

#define KB_BODY_AT(name, shift, step)					\
	noinline __aligned(KB_BODY_ALIGN)				\
	void name(struct kb_ctx *ctx, u64 ops)				\
	{								\
		struct page *page = ctx->page;				\
		void *buffer = ctx->buffer;				\
									\
		shift;							\
		KB_LOOP(ops, KB_LOOP_ON_3(ctx, page, buffer), step);		\
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

/*
 * Bodies that go round the pages of a working set, a read of 8 bytes in each.
 * PREFIX_latency: which page is next is read from this one through its mapping, so
 * nothing of one operation can begin before the last of the other.  PREFIX_throughput:
 * it stands in a list, so operations overlap as far as the path lets them.
 */
#define KB_RING_BODY_AT(name, shift, step)				\
	noinline __aligned(KB_BODY_ALIGN)				\
	void name(struct kb_ctx *ctx, u64 ops)				\
	{								\
		struct page *at = ctx->ring.at.page;			\
		u64 offset = ctx->ring.at.offset;			\
		u64 next = ctx->ring.next;				\
									\
		shift;							\
		KB_LOOP(ops, KB_LOOP_ON_4(ctx, at, offset, next), step); \
		ctx->ring.at.page = at;					\
		ctx->ring.at.offset = offset;				\
		ctx->ring.next = next;					\
	}

#define KB_RING_BODY(name, step)					\
	KB_RING_BODY_AT(name, KB_ALIGNED, step)				\
	KB_RING_BODY_AT(name##_shifted, KB_SHIFTED, step)

#define KB_RING_BODIES(prefix, map, unmap)				\
	KB_RING_BODY(prefix##_latency, {				\
		void *addr = map(at);					\
		struct kb_spot *data;					\
									\
		KB_OPAQUE(addr);					\
		data = addr + offset;					\
		at = READ_ONCE(data->page);				\
		offset = READ_ONCE(data->offset);			\
		unmap(addr);						\
	})								\
	KB_RING_BODY(prefix##_throughput, {				\
		struct kb_spot *spot = &ctx->ring.spots[next++ & ctx->ring.mask]; \
		void *addr = map(spot->page);				\
									\
		KB_OPAQUE(addr);					\
		(void)READ_ONCE(*(u64 *)(addr + spot->offset));		\
		unmap(addr);						\
	})

/* X(prefix, ..., order, set, its name) for each working set in each order */
#define KB_EACH_SET(X, ...)						\
	KB_EACH_SET_IN(X, __VA_ARGS__, latency)				\
	KB_EACH_SET_IN(X, __VA_ARGS__, throughput)

#define KB_EACH_SET_IN(X, ...)						\
	X(__VA_ARGS__, PAGE, "page")						\
	X(__VA_ARGS__, L1, "l1")						\
	X(__VA_ARGS__, L2, "l2")						\
	X(__VA_ARGS__, LLC, "llc")						\
	X(__VA_ARGS__, MEMORY, "memory")

#define KB_DECLARE(name)						\
	void name(struct kb_ctx *ctx, u64 ops);				\
	void name##_shifted(struct kb_ctx *ctx, u64 ops);

#define KB_DECLARE_BODY(prefix, touch)	KB_DECLARE(prefix##_##touch)

/* All bodies of a path, touches and rings. */
#define KB_DECLARE_PATH(prefix)						\
	KB_EACH_TOUCH(KB_DECLARE_BODY, prefix)				\
	KB_DECLARE_BODY(prefix, latency)				\
	KB_DECLARE_BODY(prefix, throughput)

KB_DECLARE(kb_body_empty)

/*
 * sample.c: fills samples[0 .. run->taken - 1]; 0, -EINTR, -ERESTARTSYS, -E2BIG.
 * Fewer than run->samples where too many had to be thrown away: the run is flagged.
 */
int kb_sample(const struct kb_case *c, struct kb_ctx *ctx,
	      struct kmapbench_sample *samples);
/* Why nothing can be timed here, or NULL. */
const char *kb_clock_refusal(void);
/* The clock of the windows, outside of one. */
u64 kb_clock(void);
/* executed once at load, so that an outside observer knows that we are here */
void kb_mark_loaded(void);

#endif /* KMAPBENCH_CASE_H */
