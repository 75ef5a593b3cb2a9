/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_LOOP_CHECK_H
#define KMAPBENCH_LOOP_CHECK_H

#include <linux/types.h>

#include "loop.h"

/*
 * Where kb_loops begins and ends: main.c is linked first and loop_check.c last.  In another
 * order there would be bodies without an entry.
 */
extern const struct kb_loop_entry kb_loops_begin[];
extern const struct kb_loop_entry kb_loops_end[];

/*
 * 0, or -ENOEXEC where the loop of a body is not the one of loop.h, and a line in the
 * kernel's log says which.
 */
int kb_loop_check(void);

/* Whether a round of each body begins with ENDBR64; known once kb_loop_check() was called. */
bool kb_loop_has_endbr(void);

#endif /* KMAPBENCH_LOOP_CHECK_H */
