// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a thread may do wrong before it returns to user mode, for the test to begin from there
 *
 * To write one of the words below to the parameter "do" does it; to read the parameter
 * tells what the reading thread has open.
 */
#include <linux/libnvdimm.h>
#include <linux/module.h>
#include <linux/string.h>
#include "pks_test.h"

static void begin_bracket(void)
{
	kmap_local_page(page);
}

static void end_bracket(void)
{
	kunmap_local(address);
}

/* Emulators let it pass, so that only an assertion sees it. */
static void flush(void)
{
	arch_wb_cache_pmem(address, 64);
}

static const struct {
	const char *word;
	void (*act)(void);
} acts[] = {
	{ "stray", stray },
	{ "begin", begin_bracket },
	{ "end", end_bracket },
	{ "flush", flush },
};

static int set_do(const char *word, const struct kernel_param *unused)
{
	int i;

	if (!address)
		return -ENXIO;
	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		if (sysfs_streq(word, acts[i].word)) {
			acts[i].act();
			return 0;
		}
	}
	return -EINVAL;
}

static int get_do(char *buffer, const struct kernel_param *unused)
{
	return sysfs_emit(buffer, "%s\n", register_closed() ? "closed" : "open");
}

static const struct kernel_param_ops do_ops = { .set = set_do, .get = get_do };
module_param_cb(do, &do_ops, NULL, 0600);
MODULE_PARM_DESC(do, "stray, begin, end, flush; reads as what the thread has: open or closed");

static int get_protected(char *buffer, const struct kernel_param *unused)
{
	return sysfs_emit(buffer, "%d\n", protected_pagemaps());
}

static const struct kernel_param_ops protected_ops = { .get = get_protected };
module_param_cb(protected, &protected_ops, NULL, 0400);
MODULE_PARM_DESC(protected, "how many pagemaps are protected");
