/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The elsewhere/ cases: what the kernel does at each interrupt, exception and switch
 *
 * Protection has its price outside of the map path, too: what a thread has open is saved,
 * closed and put back around each of these.  "inside" is with a mapping of a device page
 * held, which on a kernel that protects it is an open bracket; "outside" is with none.
 */
#ifndef KMAPBENCH_ENTRY_H
#define KMAPBENCH_ENTRY_H

#include "case.h"

/* Each setup pins a device page, protected or not, where the case holds a mapping of it. */

/* One operation is an interrupt of this CPU by itself, and its wait for the end of it. */
KB_DECLARE(kb_body_elsewhere_irq)
int kb_elsewhere_setup_irq(struct kb_ctx *ctx);

/* The same of an NMI. */
KB_DECLARE(kb_body_elsewhere_nmi)
int kb_elsewhere_setup_nmi(struct kb_ctx *ctx);
void kb_elsewhere_teardown_nmi(struct kb_ctx *ctx);

/* An INT3 that its handler takes as done. */
KB_DECLARE(kb_body_elsewhere_int3)
int kb_elsewhere_setup_int3(struct kb_ctx *ctx);
void kb_elsewhere_teardown_int3(struct kb_ctx *ctx);

/* An access to where nothing is mapped, ended by the exception table. */
KB_DECLARE(kb_body_elsewhere_fault)
int kb_elsewhere_setup_fault(struct kb_ctx *ctx);

/* What irq and fault have to undo. */
void kb_elsewhere_teardown(struct kb_ctx *ctx);

/*
 * A switch to a thread on the same CPU, which has nothing open, and back.  Both are FIFO
 * threads meanwhile, so that nobody comes between and the fair scheduler has no say.
 */
KB_DECLARE(kb_body_elsewhere_switch)
int kb_elsewhere_setup_switch(struct kb_ctx *ctx);
void kb_elsewhere_settle_switch(struct kb_ctx *ctx);
void kb_elsewhere_teardown_switch(struct kb_ctx *ctx);

#endif /* KMAPBENCH_ENTRY_H */
