/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests: who can touch a protected page of our PKS kernel, and when
 *
 * The whole test runs while the module is loaded; the results are in the kernel log, as
 * KTAP.  It takes one page of persistent memory, in strict mode, and writes to that page
 * and the ones behind it: their content is lost.  An access that has to fail is made in
 * a way that the kernel survives, and tells of.
 */
#ifndef PKS_TEST_H
#define PKS_TEST_H

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/types.h>

extern struct page *page;	/* protected */
extern void *address;		/* of page, in the direct map */

/* The running test fails with the first condition that did not hold. */
#define expect(condition) note(condition, #condition)
void note(bool holds, const char *what);

/* Whether an access gets through. */
bool readable(const void *from);
bool writable(void *to);

/* What the running context can do: memory, register and thread have to tell the same. */
bool closed(void);
bool open(unsigned int brackets);

/* A bracket opens, and its end closes: for who has to find the page closed. */
bool own_bracket_works(void);

/* maps.c */
void test_leaf(void);
void test_stray_access(void);
void test_nested(void);
void test_folio(void);
void test_atomic(void);
void test_kmap(void);
void test_dram(void);

/* handlers.c */
void test_interrupt(void);
void test_nmi(void);
void test_steps(void);

/* threads.c */
void test_other_threads(void);
void test_migration(void);

#endif
