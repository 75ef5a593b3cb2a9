// SPDX-License-Identifier: GPL-2.0-only
/*
 * msr.c - the msr/ cases: reads and writes of the registers alone
 */
#include "model.h"
#include "msr.h"

/* Opens KB_KEY and closes it: two writes, each with a new value. */
KB_BODY(kb_body_wrpkrs_toggle, {
	u32 closed = ctx->pks.closed;

	kb_write_pkrs(closed & ~KB_PKRS_MASK(KB_KEY));
	kb_write_pkrs(closed);
})

/* Writes the value that is there already. */
KB_BODY(kb_body_wrpkrs_same, {
	kb_write_pkrs(ctx->pks.closed);
})

/* The same behind the test that the path makes: never writes. */
KB_BODY(kb_body_wrpkrs_skipped, {
	if (this_cpu_read(kb_model_pkrs_cache) != ctx->pks.closed)
		kb_write_pkrs(ctx->pks.closed);
})

KB_BODY(kb_body_rdpkrs, {
	u64 pkrs = __rdmsr(KB_MSR_IA32_PKRS);

	KB_OPAQUE(pkrs);
})

/* ECX must be 0 for both, and EDX for the write. */
static __always_inline u32 kb_read_pkru(void)
{
	u32 pkru, high;

	asm volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
	return pkru;
}

static __always_inline void kb_write_pkru(u32 pkru)
{
	asm volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
}

/* User space's register, closed and put back; no user page is touched meanwhile. */
KB_BODY(kb_body_wrpkru_toggle, {
	u32 pkru = ctx->pkru;

	kb_write_pkru(pkru ^ KB_PKRS_AD(KB_KEY));
	kb_write_pkru(pkru);
})

KB_BODY(kb_body_rdpkru, {
	u32 pkru = kb_read_pkru();

	KB_OPAQUE(pkru);
})

void kb_msr_enter_pkru(struct kb_ctx *ctx)
{
	ctx->pkru = kb_read_pkru();
}
