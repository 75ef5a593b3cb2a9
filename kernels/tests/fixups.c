// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses whose fault is fixed up: with the rights of who made them, and no stray access where
 * they read too far on purpose
 */
#include <linux/kasan.h>
#include <linux/string.h>
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

/*
 * The last page before the region, allocated: free blocks of each size are taken until it is in
 * one of them. It stays allocated when this module is removed, as somebody else may have it by the
 * time that the module is loaded again, and is known by what is written in it. NULL if somebody
 * uses it.
 */
char *take_page_below_region(void)
{
	static const char mark[] = "taken by pks_test";
	char *start = __va(region->start) - PAGE_SIZE, there[sizeof(mark)];
	struct page *block, *next, *wanted = virt_to_page(start);
	LIST_HEAD(others);
	bool found = false;
	int size;

	if (!copy_from_kernel_nofault(there, start, sizeof(there)) &&
	    !memcmp(there, mark, sizeof(mark)))
		return start;
	for (size = MAX_PAGE_ORDER; size >= 0 && !found; size--) {
		while ((block = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, size))) {
			found = block + (1UL << size) - 1 == wanted;
			if (found)
				break;
			set_page_private(block, size);
			list_add(&block->lru, &others);
		}
		if (found) {
			split_page(block, size);
			while (block < wanted)
				__free_page(block++);
		}
	}
	list_for_each_entry_safe(block, next, &others, lru) {
		list_del(&block->lru);
		__free_pages(block, page_private(block));
	}
	if (!found)
		return NULL;
	memcpy(start, mark, sizeof(mark));
	return start;
}

/* A string that ends before the region is read, however long it may have been; no other one is. */
void test_probe_of_string(void)
{
	long (*copy)(char *to, const void *from, long most) =
		find_function("strncpy_from_kernel_nofault");
	char *last = __va(region->start) - 2, text[8];
	long before = stray_accesses();
	char *below;

	if (copy_from_kernel_nofault(text, last, 2))
		return skip("no memory below the region");
	expect(copy);
	below = take_page_below_region();
	expect(below);
	if (!copy || !below)
		return;
	strscpy(last, "a", 2);
	expect(copy(text, last, sizeof(text)) == 2 && !strcmp(text, "a"));
	last[1] = 'b';
	expect(copy(text, last, sizeof(text)) == -EFAULT);
	expect(copy(text, last + 2, sizeof(text)) == -ERANGE);
	expect(register_closed());
	expect(stray_accesses() == before);
}
