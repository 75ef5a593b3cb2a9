/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_LOOP_CHECK_H
#define KMAPBENCH_LOOP_CHECK_H

/*
 * 0, or -ENOEXEC where the loop of a body is not the one of loop.h, and a line in the
 * kernel's log says which.
 */
int kb_loop_check(void);

#endif /* KMAPBENCH_LOOP_CHECK_H */
