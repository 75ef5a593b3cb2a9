// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memremap_pages() makes of the wish for protection
 */
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <asm/special_insns.h>
#include "pks_test.h"

#define BEYOND_MEMORY	BIT(60)	/* no CPU has that many address bits */
#define MORE_THAN_KEPT	70	/* ranges that the kernel tells apart by their addresses */

static struct dev_pagemap pagemap;

struct page *map_pagemap(ulong start, unsigned long flags)
{
	void *mapped;

	memset(&pagemap, 0, sizeof(pagemap));
	pagemap.type = MEMORY_DEVICE_GENERIC;
	pagemap.flags = flags;
	pagemap.nr_range = 1;
	pagemap.range.start = start;
	pagemap.range.end = start + SZ_2M - 1;
	mapped = memremap_pages(&pagemap, NUMA_NO_NODE);
	return IS_ERR(mapped) ? ERR_CAST(mapped) : pfn_to_page(PHYS_PFN(start));
}

void unmap_pagemap(void)
{
	memunmap_pages(&pagemap);
}

int protected_pagemaps(void)
{
	return static_key_count(&devmap_protection_key.key);
}

/* Not all device memory is protected: with the static key on, each page still decides. */
static void expect_unprotected(ulong start)
{
	struct page *first = map_pagemap(start, 0);
	void *mapped;

	expect(!IS_ERR(first));
	if (IS_ERR(first))
		return;
	expect(!page_access_protected(first) && !has_key(page_address(first)));
	mapped = kmap_local_page(first);
	expect(readable(mapped) && writable(mapped));
	expect(closed());
	kunmap_local(mapped);
	expect(closed());
	unmap_pagemap();
}

void test_unprotected_pagemap(void)
{
	if (!spare)
		return skip("no spare memory");
	expect_unprotected(spare);
}

/* Between protected pagemaps lies memory, which is asked for its own. */
static void expect_hole_opens_nothing(void)
{
	void *mapped;

	expect(region->end + 1 < pagemap.range.start);
	mapped = kmap_local_page(pfn_to_page(PHYS_PFN(region->end + 1)));
	expect(readable(mapped));
	expect(closed());
	kunmap_local(mapped);
	expect(closed());

	/* that opens nothing, and must not close what else is open either */
	mapped = kmap_local_page(page);
	kunmap_local(__va(region->end + 1));
	expect(open(1));
	kunmap_local(mapped);
	expect(closed());
}

static void expect_open_while_mapped(struct page *one)
{
	void *mapped = page_address(one);

	expect(page_access_protected(one) && !readable(mapped));
	expect(kmap_local_page(one) == mapped);
	expect(readable(mapped) && writable(mapped));
	kunmap_local(mapped);
	expect(closed());
}

void test_pagemaps_are_counted(void)
{
	int before = protected_pagemaps();
	struct page *first;

	if (!spare)
		return skip("no spare memory");
	expect(before > 0);
	first = map_pagemap(spare, PGMAP_PROTECTION);
	expect(!IS_ERR(first));
	if (IS_ERR(first))
		return;
	expect(protected_pagemaps() == before + 1);
	expect(has_key(page_address(first)));
	expect_open_while_mapped(first);
	expect_hole_opens_nothing();
	unmap_pagemap();
	expect(protected_pagemaps() == before);
	expect(closed());

	/* Nothing is left of it. */
	expect_unprotected(spare);
}

/* Failed ones count: where no page can be, none of them is in the way of the others. */
void test_many_pagemaps(void)
{
	struct page *first;
	ulong i;

	if (!other)
		return skip("no other spare memory");
	for (i = 1; i <= MORE_THAN_KEPT; i++)
		expect(IS_ERR(map_pagemap(BEYOND_MEMORY + i * SZ_2M, PGMAP_PROTECTION)));
	first = map_pagemap(other, PGMAP_PROTECTION);
	expect(!IS_ERR(first));
	if (IS_ERR(first))
		return;
	expect_open_while_mapped(first);
	expect_open_while_mapped(page);
	expect_hole_opens_nothing();
	unmap_pagemap();
	expect_unprotected(other);
}

/*
 * A pagemap that is refused, as its first range is nowhere and its second one has a pagemap, leaves
 * that one what it has.
 */
void test_refused_pagemap(void)
{
	struct dev_pagemap *refused = kzalloc(struct_size(refused, ranges, 2), GFP_KERNEL);
	struct page *first;

	expect(refused);
	if (!refused)
		return;
	if (!spare) {
		skip("no spare memory");
		goto out;
	}
	first = map_pagemap(spare, PGMAP_PROTECTION);
	expect(!IS_ERR(first));
	if (IS_ERR(first))
		goto out;
	refused->type = MEMORY_DEVICE_GENERIC;
	refused->flags = PGMAP_PROTECTION;
	refused->nr_range = 2;
	refused->ranges[0] = (struct range) { BEYOND_MEMORY, BEYOND_MEMORY + SZ_2M - 1 };
	refused->ranges[1] = pagemap.range;
	expect(IS_ERR(memremap_pages(refused, NUMA_NO_NODE)));
	expect_open_while_mapped(first);
	unmap_pagemap();
	expect_unprotected(spare);
out:
	kfree(refused);
}

void test_failed_pagemap(void)
{
	int before = protected_pagemaps();
	struct pgmap_protected_span span;
	struct page *ram = alloc_pages(GFP_KERNEL, get_order(SZ_2M));

	expect(IS_ERR(map_pagemap(BEYOND_MEMORY, PGMAP_PROTECTION)));
	expect(protected_pagemaps() == before);

	/* Memory in use does not even pass for protected until it is refused. */
	expect(ram);
	if (!ram)
		return;
	span = pgmap_protected_span;
	expect(IS_ERR(map_pagemap(PFN_PHYS(page_to_pfn(ram)), PGMAP_PROTECTION)));
	expect(pgmap_protected_span.start == span.start && pgmap_protected_span.end == span.end);
	__free_pages(ram, get_order(SZ_2M));
}

/* Memory is not mapped unprotected behind the back of who wants it protected. */
void test_unavailable(void)
{
	expect(!pgmap_protection_available());
	expect(protected_pagemaps() == 0);
	expect(!has_key(address));
	expect(readable(address) && writable(address));
	if (!cpu_feature_enabled(X86_FEATURE_PKS))
		expect(!(__read_cr4() & X86_CR4_PKS));
	if (spare)
		expect(map_pagemap(spare, PGMAP_PROTECTION) == ERR_PTR(-EINVAL));
	expect(protected_pagemaps() == 0);
}

int entry_key_count(void)
{
	unsigned long (*lookup)(const char *name) = find_function("kallsyms_lookup_name");
	struct static_key_false *key = lookup ? (void *)lookup("pks_key") : NULL;

	return key ? static_key_count(&key->key) : -1;
}

/* Nor does anybody pay for it: the key in entry, exit and switch stays off, too. */
void test_entry_key(void)
{
	expect(entry_key_count() == 0);
}
