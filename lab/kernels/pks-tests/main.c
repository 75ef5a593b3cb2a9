// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of tests, and how they are run and told of: pks_test.h says what they are
 */
#include <linux/memremap.h>
#include <linux/module.h>
#include <asm/special_insns.h>
#include "pks_test.h"

static ulong phys;
module_param(phys, ulong, 0);
MODULE_PARM_DESC(phys, "physical address of a page of persistent memory, with more behind it");

struct page *page;
void *address;

static const char *failure;	/* of the running test */

void note(bool holds, const char *what)
{
	if (!holds && !failure)
		failure = what;
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "the key is in a large leaf", test_leaf },
	{ "a stray access fails", test_stray_access },
	{ "nested mappings", test_nested },
	{ "kmap_local_folio", test_folio },
	{ "kmap_atomic", test_atomic },
	{ "kmap opens nothing", test_kmap },
	{ "a mapping of other memory opens nothing", test_dram },
	{ "an interrupt in a bracket", test_interrupt },
	{ "an NMI in a bracket", test_nmi },
	{ "an exception after each instruction", test_steps },
	{ "other threads in a bracket", test_other_threads },
	{ "a thread moves in a bracket", test_migration },
};

static void run(int index)
{
	const char *name = tests[index].name;

	failure = NULL;
	tests[index].run();
	pr_info("%s %d - %s\n", failure ? "not ok" : "ok", index + 1, name);
	if (failure)
		pr_info("# %s: %s\n", name, failure);
}

static int __init pks_test_init(void)
{
	int i;

	if (!(__read_cr4() & X86_CR4_PKS) || !pfn_valid(PHYS_PFN(phys)))
		return -ENODEV;
	page = pfn_to_page(PHYS_PFN(phys));
	if (!is_zone_device_page(page))
		return -ENODEV;
	address = page_address(page);

	pr_info("KTAP version 1\n1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		run(i);
	return 0;
}

static void __exit pks_test_exit(void)
{
}

module_init(pks_test_init);
module_exit(pks_test_exit);
MODULE_DESCRIPTION("Tests of protected device pages");
MODULE_LICENSE("GPL");
