// SPDX-License-Identifier: GPL-2.0-only
/*
 * msr.c - the msr/ cases: the register writes alone
 */
#include "msr.h"

/* Opens KB_KEY and closes it: two writes, each with a new value. */
KB_BODY(kb_body_wrpkrs_toggle, {
	u32 closed = ctx->pks.closed;

	kb_write_pkrs(closed & ~KB_PKRS_MASK(KB_KEY));
	kb_write_pkrs(closed);
})
