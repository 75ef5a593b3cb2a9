/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page of a DAX file or device, which the caller has mapped, or of our own device
 */
#ifndef KMAPBENCH_DEVMAP_H
#define KMAPBENCH_DEVMAP_H

#include "case.h"

/* The device that the parameter device_memory asks for, if it does. */
int kb_devmap_init(void);
void kb_devmap_exit(void);

/*
 * Pins the page at run->user_page for writing (touches write zeros to it) until
 * teardown; one that is not of the kind that the case wants is skipped.  In place of
 * an unprotected one it may be a page of our own device.
 */
int kb_devmap_setup_page(struct kb_ctx *ctx);
int kb_devmap_setup_protected(struct kb_ctx *ctx);
/* Protected or not, as the kernel has it. */
int kb_devmap_setup_any(struct kb_ctx *ctx);
int kb_devmap_setup_tail(struct kb_ctx *ctx);
/* Maps the page at user_page, whatever page the body maps, and unmaps it. */
void kb_devmap_hold(struct kb_ctx *ctx);
void kb_devmap_release(struct kb_ctx *ctx);
void kb_devmap_teardown(struct kb_ctx *ctx);

/* Why no page can be protected here, or NULL. */
const char *kb_devmap_refuse_protected(void);

#endif /* KMAPBENCH_DEVMAP_H */
