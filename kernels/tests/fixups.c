// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses whose fault is fixed up: with the rights of who made them, and no stray access where
 * they read too far on purpose
 */
#include <linux/kasan.h>
#include <linux/uaccess.h>
#include <asm/word-at-a-time.h>
#include "pks_test.h"

#define FAR		(3UL << 20)	/* from the page: not in the leaf that other tests split */
#define IN_PAGE		4		/* bytes of the load that are in the page */
#define BYTES		0xa5a55a5au

/*
 * load_unaligned_zeropad() at the end of a page whose next one is not there, as after a memory
 * error: the handler repeats the load, and the page is open to the thread.
 */
void test_zeropad_in_bracket(void)
{
	int (*set_absent)(unsigned long at, int pages) = find_function("set_memory_np");
	int (*set_present)(unsigned long at, int pages) = find_function("set_memory_p");
	struct page *last = page + (FAR >> PAGE_SHIFT);
	void *next = page_address(last) + PAGE_SIZE, *mapped;
	long before = stray_accesses();
	unsigned long value;

	expect(set_absent && set_present);
	if (!set_absent || !set_present)
		return;
	mapped = kmap_local_page(last);
	WRITE_ONCE(*(u32 *)(mapped + PAGE_SIZE - IN_PAGE), BYTES);
	expect(!set_absent((unsigned long)next, 1));
	value = load_unaligned_zeropad(mapped + PAGE_SIZE - IN_PAGE);
	expect(value == BYTES);
	expect(open(1));
	kunmap_local(mapped);
	expect(closed());
	expect(!set_present((unsigned long)next, 1));
	expect(has_key(next) && !readable(next));
	/* the reads above that were to fail are strays, in strict mode */
	expect(stray_accesses() == before + 2);
}

/* The same at the end of the memory below the region: its next page is there, and closed. */
void test_zeropad_below_region(void)
{
	void *below = __va(region->start) - IN_PAGE;
	long before = stray_accesses();
	u32 bytes;

	if (copy_from_kernel_nofault(&bytes, below, sizeof(bytes)))
		return skip("no memory below the region");
	kasan_disable_current();	/* nobody may have allocated it */
	expect(load_unaligned_zeropad(below) == bytes);
	kasan_enable_current();
	expect(register_closed());
	expect(stray_accesses() == before);
}

/* A probe is not to oops, and is no stray access: it is told that it may not read this. */
void test_probe(void)
{
	long before = stray_accesses();
	unsigned long value;
	void *mapped;

	expect(copy_from_kernel_nofault(&value, address, sizeof(value)) == -ERANGE);
	expect(copy_from_kernel_nofault(&value, __va(region->start) - IN_PAGE, sizeof(value)) ==
	       -ERANGE);
	expect(register_closed());
	mapped = kmap_local_page(page);
	expect(!copy_from_kernel_nofault(&value, mapped, sizeof(value)));
	expect(value == READ_ONCE(*(unsigned long *)mapped));
	kunmap_local(mapped);
	expect(register_closed());
	expect(stray_accesses() == before);
}
