// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page is protected, and open between a mapping and its end: one thread, undisturbed
 */
#include "pks_test.h"

#define NESTED		4
#define AWAY		(2UL << 20)	/* from the page: not in the same large leaf */

/*
 * The protection is in the page tables, where no kernel path can be missed.  The direct
 * map keeps its large leaves: to split them would cost all users of the memory.
 */
void test_leaf(void)
{
	expect(has_key(address));
	expect(huge ? level_of(address) == PG_LEVEL_1G : level_of(address) > PG_LEVEL_4K);
	expect(protected_pagemaps() > 0);
}

/* What it is all for: a stray access does not get through. */
void test_stray_access(void)
{
	expect(closed());
	expect(!readable(address));
	expect(!writable(address));
}

/* Mappings nest, and the page is open until the last of them ends. */
void test_nested(void)
{
	void *mapped[NESTED];
	int i;

	for (i = 0; i < NESTED; i++) {
		mapped[i] = kmap_local_page(page + i);
		expect(readable(mapped[i]) && writable(mapped[i]));
		expect(open(i + 1));
	}
	while (i--) {
		expect(open(i + 1));
		kunmap_local(mapped[i]);
	}
	expect(closed());
}

/* kmap_local_page has siblings, and callers of all of them meet device pages. */
void test_folio(void)
{
	void *mapped = kmap_local_folio(page_folio(page), 24);

	expect(readable(mapped) && open(1));
	kunmap_local(mapped);
	expect(closed());
}

void test_atomic(void)
{
	void *mapped = kmap_atomic(page);

	expect(readable(mapped) && open(1));
	kunmap_atomic(mapped);
	expect(closed());
}

/* A mapping of kmap() may be used by any thread: no thread's rights can open it. */
void test_kmap(void)
{
	void *mapped = kmap(page);

	expect(!readable(mapped));
	expect(closed());
	kunmap(page);
}

/* To map other memory must not open what is protected. */
void test_dram(void)
{
	struct page *dram = alloc_page(GFP_KERNEL);
	void *mapped;

	expect(dram);
	if (!dram)
		return;
	mapped = kmap_local_page(dram);
	expect(readable(mapped) && writable(mapped));
	expect(closed());
	kunmap_local(mapped);
	expect(closed());
	__free_page(dram);
}

/* In a tail page of a large device page, the word of the pagemap is its head's address. */
void test_tail(void)
{
	struct page *one;
	void *mapped;

	if (!tail)
		return skip("no large device page");
	one = pfn_to_page(PHYS_PFN(tail));
	expect(PageTail(one) && is_zone_device_page(one) && page_access_protected(one));
	expect(!readable(page_address(one)));
	mapped = kmap_local_page(one);
	expect(readable(mapped) && writable(mapped));
	expect(open(1));
	kunmap_local(mapped);
	expect(closed());
}

/*
 * Attributes of one page, as the handling of memory errors changes them: its large leaf is
 * split, and none of the parts may lose the key.  What drivers call does not do that to
 * memory that is not theirs.
 */
void test_set_memory(void)
{
	int (*set_uncached)(unsigned long at, int pages) = find_function("_set_memory_uc");
	int (*set_cached)(unsigned long at, int pages) = find_function("_set_memory_wb");
	int (*set_absent)(unsigned long at, int pages) = find_function("set_memory_np");
	int (*set_present)(unsigned long at, int pages) = find_function("set_memory_p");
	void *there = address + AWAY, *mapped;

	expect(set_uncached && set_cached && set_absent && set_present);
	if (!set_uncached || !set_cached || !set_absent || !set_present)
		return;
	expect(!set_uncached((unsigned long)there, 1));
	expect(level_of(there) == PG_LEVEL_4K);
	expect(has_key(there) && has_key(there + PAGE_SIZE) && has_key(address));
	expect(!readable(there) && !readable(there + PAGE_SIZE));
	mapped = kmap_local_page(virt_to_page(there));
	expect(readable(mapped));
	kunmap_local(mapped);
	expect(!set_cached((unsigned long)there, 1));
	expect(has_key(there) && !readable(there));
	expect(!set_absent((unsigned long)there, 1));
	expect(!set_present((unsigned long)there, 1));
	expect(has_key(there) && !readable(there));
}
