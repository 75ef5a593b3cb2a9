// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unmaps of what was not mapped so: where nothing is open there is nothing to close
 */
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/vmalloc.h>
#include "pks_test.h"

/* As the page that zisofs writes to what nobody wants. */
static char sink[PAGE_SIZE];

/*
 * What callers pass to an unmap that has never looked at its address: a static buffer,
 * and its end; nothing; memory of vmalloc() and of the allocator; a page, and the end of the page
 * before it, which is the same address.
 */
static void unmap_anything(void)
{
	void *buffer = vmalloc(PAGE_SIZE);
	struct page *memory = alloc_page(GFP_KERNEL);

	expect(buffer && memory);
	kunmap_local(sink);
	kunmap_local(sink + PAGE_SIZE);
	kunmap_local(NULL);
	if (buffer)
		kunmap_local(buffer);
	if (memory) {
		kunmap_local(page_address(memory));
		kunmap_local(page_address(memory) + PAGE_SIZE);
	}
	vfree(buffer);
	if (memory)
		__free_page(memory);
}

static void unmap_protected(void)
{
	kunmap_local(address);
	kunmap_local(address + PAGE_SIZE);
	kunmap_local(__va(region->start));
	kunmap_local(__va(region->end + 1));
}

void test_unmap_without_map(void)
{
	unmap_anything();
	expect(closed());
	unmap_protected();
	expect(closed());
	expect(own_bracket_works());
}

/* In a bracket the address decides, and none of these is in a protected page. */
void test_foreign_unmap_in_bracket(void)
{
	void *mapped = kmap_local_page(page);

	unmap_anything();
	expect(open(1));
	kunmap_local(mapped);
	expect(closed());
}

/* A thread that never returns to user mode, where leftovers end, keeps what it has. */
static int unmap_in_thread(void *done)
{
	unmap_anything();
	unmap_protected();
	expect(closed());
	expect(own_bracket_works());
	kthread_complete_and_exit(done, 0);
}

void test_unmap_in_kernel_thread(void)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct task_struct *thread = kthread_run(unmap_in_thread, &done, "pks_test");

	expect(!IS_ERR(thread));
	if (!IS_ERR(thread))
		wait_for_completion(&done);
}
