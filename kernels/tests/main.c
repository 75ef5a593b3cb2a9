// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of tests, and how they are run and told of: pks_test.h says what they are
 */
#include <linux/module.h>
#include <linux/string.h>
#include "pks_test.h"

static ulong phys;
module_param(phys, ulong, 0);
MODULE_PARM_DESC(phys, "physical address of a page of persistent memory, with more behind it");

ulong tail;
module_param(tail, ulong, 0);
MODULE_PARM_DESC(tail, "physical address within a large page of a device-dax");

ulong spare;
module_param(spare, ulong, 0);
MODULE_PARM_DESC(spare, "physical address of 2 MiB of reserved memory that nobody uses");

ulong other;
module_param(other, ulong, 0);
MODULE_PARM_DESC(other, "another one, as spare");

bool huge;
module_param(huge, bool, 0);
MODULE_PARM_DESC(huge, "the page is in a leaf of 1 GiB");

static char *set = "strict";
module_param(set, charp, 0);
MODULE_PARM_DESC(set, "tests to run: strict, relaxed (as in pks_fault_mode), fuzz or callers (strict), unavailable (nothing is protected), or keys (nothing is protected yet; without phys)");

struct page *page;
void *address;
const struct range *region;

static const char *failure, *skipped;	/* of the running test */

void note(bool holds, const char *what)
{
	if (!holds && !failure)
		failure = what;
}

void skip(const char *why)
{
	skipped = why;
}

static const struct test {
	const char *set;
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "strict", "the key is in a large leaf", test_leaf },
	{ "strict", "a stray access fails", test_stray_access },
	{ "strict", "nested mappings", test_nested },
	{ "strict", "kmap_local_folio", test_folio },
	{ "strict", "kmap_atomic", test_atomic },
	{ "strict", "kmap opens nothing", test_kmap },
	{ "strict", "an unmap without a map", test_unmap_without_map },
	{ "strict", "an unmap of other memory in a bracket", test_foreign_unmap_in_bracket },
	{ "strict", "an unmap without a map in a kernel thread", test_unmap_in_kernel_thread },
	{ "strict", "a mapping of other memory opens nothing", test_dram },
	{ "strict", "a tail page is judged by its head", test_tail },
	{ "strict", "the key outlives a change of attributes", test_set_memory },
	{ "strict", "a page of an unprotected pagemap opens nothing", test_unprotected_pagemap },
	{ "strict", "the static key counts protected pagemaps", test_pagemaps_are_counted },
	{ "strict", "a pagemap that fails is not counted", test_failed_pagemap },
	{ "strict", "a pagemap that is refused ends no other", test_refused_pagemap },
	{ "strict", "more protected ranges than are kept", test_many_pagemaps },
	{ "strict", "a load that ends in a missing page", test_zeropad_in_bracket },
	{ "strict", "a load that ends in the region", test_zeropad_below_region },
	{ "strict", "a probe of a closed page", test_probe },
	{ "strict", "a probe of a string before the region", test_probe_of_string },
	{ "strict", "a register that somebody else has written", test_lost_register },
	{ "strict", "an interrupt in a bracket", test_interrupt },
	{ "strict", "an interrupt of the idle task", test_interrupt_of_idle },
	{ "strict", "an NMI in a bracket", test_nmi },
	{ "strict", "a fault in a bracket", test_fault },
	{ "strict", "an exception after each instruction", test_steps },
	{ "strict", "one exception at each instruction", test_single_exceptions },
	{ "strict", "other threads in a bracket", test_other_threads },
	{ "strict", "threads that take turns on a CPU", test_switch },
	{ "strict", "a thread moves in a bracket", test_migration },
	{ "strict", "a child of a thread in a bracket", test_child },

	{ "relaxed", "a stray access opens until a bracket ends", test_stray_opens },
	{ "relaxed", "the page opens before an access is fixed up", test_stray_before_fixup },
	{ "relaxed", "a stray access opens to an interrupt alone", test_stray_in_interrupt },
	{ "relaxed", "a page of another key is no stray access", test_other_key },
	{ "relaxed", "each stray access is counted", test_stray_storm },
	{ "relaxed", "a child of a thread that has strayed", test_stray_child },
	{ "relaxed", "a stray access opens until a switch", test_stray_switch },
	{ "relaxed", "a stray access opens to one work item", test_stray_work },
	{ "relaxed", "a load that ends in the region", test_zeropad_below_region },
	{ "relaxed", "a probe of a closed page", test_probe },

	{ "fuzz", "random brackets", test_random_brackets },

	{ "callers", "an iterator over a scatterlist", test_sg_miter },
	{ "callers", "copies of a scatterlist", test_sg_copy },
	{ "callers", "a device that gets copies", test_swiotlb },
	{ "callers", "a fragment of a packet", test_skb_frag },
	{ "callers", "a packet whose headers are in a fragment", test_gro },
	{ "callers", "a copy into a large folio", test_large_folio },
	{ "callers", "a string that has no end before the region", test_string_of_bpf },

	{ "keys", "keys are turned on and off under load", test_keys_under_load },

	{ "unavailable", "nothing is protected", test_unavailable },
	{ "unavailable", "what handles protection is switched off", test_entry_key },
};

static void run(const struct test *test, int number)
{
	failure = NULL;
	skipped = NULL;
	test->run();
	if (skipped && !failure)
		pr_info("ok %d - %s # SKIP %s\n", number, test->name, skipped);
	else
		pr_info("%s %d - %s\n", failure ? "not ok" : "ok", number, test->name);
	if (failure)
		pr_info("# %s: %s\n", test->name, failure);
}

static struct dev_pagemap *pagemap_of(struct page *page)
{
#ifdef HAS_FOLIO_PGMAP
	return page_folio(page)->pgmap;
#else
	return compound_head(page)->pgmap;
#endif
}

static bool find_page(void)
{
	if (!pfn_valid(PHYS_PFN(phys)))
		return false;
	page = pfn_to_page(PHYS_PFN(phys));
	if (!is_zone_device_page(page))
		return false;
	address = page_address(page);
	region = &pagemap_of(page)->range;
	return true;
}

static int __init pks_test_init(void)
{
	int i, planned = 0, number = 0;

	if (strcmp(set, "keys") && !find_page())
		return -ENODEV;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		planned += !strcmp(tests[i].set, set);
	pr_info("KTAP version 1\n1..%d\n", planned);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (!strcmp(tests[i].set, set))
			run(&tests[i], ++number);
	return planned ? 0 : -EINVAL;
}

static void __exit pks_test_exit(void)
{
	end_acts();
}

module_init(pks_test_init);
module_exit(pks_test_exit);
MODULE_DESCRIPTION("Tests of protected device pages");
MODULE_LICENSE("GPL");
