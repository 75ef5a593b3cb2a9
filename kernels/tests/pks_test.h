/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests: who can touch a protected page of our PKS kernel, and when
 *
 * A set of tests runs while the module is loaded; the results are in the kernel log, as
 * KTAP.  What is about the return to user mode, or survives nothing, is done by writing to
 * the parameter "do" (user.c).  The tests write to the pages they are given, and to the
 * ones behind: their content is lost.
 */
#ifndef PKS_TEST_H
#define PKS_TEST_H

#include <linux/highmem.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/range.h>
#include <linux/types.h>

extern struct page *page;	/* of persistent memory */
extern void *address;		/* of page, in the direct map */
extern const struct range *region;	/* physical addresses of the page's pagemap */
extern ulong tail;		/* physical address within a large device-dax page; 0: none */
extern bool huge;		/* page is in a leaf of 1 GiB */
extern ulong spare, other;	/* physical addresses of 2 MiB that nobody uses; 0: none */

/* The running test fails with the first condition that did not hold. */
#define expect(condition) note(condition, #condition)
void note(bool holds, const char *what);

/* The running test was not made, unless something has failed in it. */
void skip(const char *why);

/* Whether an access gets through. */
bool readable(const void *from);
bool writable(void *to);

/* What the running context can do: memory, register and thread have to tell the same. */
bool closed(void);
bool open(unsigned int brackets);

/* The same without a try, which would open in relaxed mode, and would be a stray access. */
bool register_closed(void);
bool agrees(unsigned int brackets);

/* How many stray accesses the kernel has counted, as user space can read it; -1: it cannot. */
long stray_accesses(void);

/* An access outside of a bracket, prepared for nothing. */
void stray(void);

/* A bracket opens, and its end closes: for who has to find the page closed. */
bool own_bracket_works(void);

/* A function of the kernel that modules cannot call by its name, or NULL. */
void *find_function(const char *name);

#define NOWHERE	((void *)(VMALLOC_END + 1))	/* where nothing is ever mapped */

/* Where a page-table leaf has its key: Intel SDM, volume 3, 4.6.2 */
#define PKEY_SHIFT	59

/* Page-table leaf of an address in the direct map. */
bool has_key(const void *at);
unsigned int level_of(const void *at);

/* How many pagemaps are protected. */
int protected_pagemaps(void);

/* The count of the static key in entry, exit and switch; -1: it was not found. */
int entry_key_count(void);

/*
 * Maps 2 MiB of device memory, one at a time. Returns the first page, or an error
 * pointer.
 */
struct page *map_pagemap(ulong start, unsigned long flags);
void unmap_pagemap(void);

/* maps.c */
void test_leaf(void);
void test_stray_access(void);
void test_nested(void);
void test_folio(void);
void test_atomic(void);
void test_kmap(void);
void test_dram(void);
void test_tail(void);
void test_set_memory(void);

/* unmaps.c */
void test_unmap_without_map(void);
void test_foreign_unmap_in_bracket(void);
void test_unmap_in_kernel_thread(void);

/* fixups.c */
void test_zeropad_in_bracket(void);
void test_zeropad_below_region(void);
void test_probe(void);
void test_probe_of_string(void);
char *take_page_below_region(void);

/* pagemaps.c */
void test_unprotected_pagemap(void);
void test_pagemaps_are_counted(void);
void test_failed_pagemap(void);
void test_refused_pagemap(void);
void test_many_pagemaps(void);
void test_unavailable(void);
void test_entry_key(void);

/* handlers.c */
void test_interrupt(void);
void test_interrupt_of_idle(void);
void test_nmi(void);
void test_fault(void);
void test_steps(void);
void test_single_exceptions(void);
void test_lost_register(void);

/* threads.c */
void test_other_threads(void);
void test_switch(void);
void test_migration(void);
void test_child(void);

/* Whether a child of a thread that has just opened, and later closes, starts closed. */
bool child_is_closed(void (*open_it)(void), void (*close_it)(void));

/* keys.c: without persistent memory, so that nothing is protected yet */
void test_keys_under_load(void);

/* fuzz.c */
void test_random_brackets(void);

/* callers.c */
void test_sg_miter(void);
void test_sg_copy(void);
void test_swiotlb(void);
void test_skb_frag(void);
void test_gro(void);
void test_large_folio(void);
void test_string_of_bpf(void);

/* user.c: takes back what outlives an act. */
void end_acts(void);

/* stray.c: in relaxed mode */
void test_stray_opens(void);
void test_stray_before_fixup(void);
void test_stray_in_interrupt(void);
void test_other_key(void);
void test_stray_storm(void);
void test_stray_child(void);
void test_stray_switch(void);
void test_stray_work(void);

#endif
