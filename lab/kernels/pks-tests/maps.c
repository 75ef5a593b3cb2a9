// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page is protected, and open between a mapping and its end: one thread, undisturbed
 */
#include <linux/memremap.h>
#include <asm/pks_types.h>
#include "pks_test.h"

#define PKEY_SHIFT	59
#define PKEY_MASK	15
#define NESTED		4

/*
 * The protection is in the page tables, where no kernel path can be missed.  The direct
 * map keeps its large leaves: to split them would cost all users of the memory.
 */
void test_leaf(void)
{
	unsigned int level;
	pte_t *leaf = lookup_address((unsigned long)address, &level);

	expect(leaf && ((pte_val(*leaf) >> PKEY_SHIFT) & PKEY_MASK) == PKS_KEY_PGMAP);
	expect(level > PG_LEVEL_4K);
	expect(static_key_enabled(&devmap_protection_key));
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
