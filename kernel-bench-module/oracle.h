/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_ORACLE_H
#define KMAPBENCH_ORACLE_H

#include "case.h"

/* Finds the tracepoint; once, at load. */
void kb_oracle_init(void);

/*
 * One check of a guarded case: 0, or -errno where it could not be made.  The result
 * is in run->oracle; once failed it stays failed, with run->reason.
 */
int kb_oracle_check(const struct kb_case *c, struct kb_ctx *ctx);

/* NULL where the oracle's fault is harmless, else why it is not. */
const char *kb_oracle_refusal(void);

#endif /* KMAPBENCH_ORACLE_H */
