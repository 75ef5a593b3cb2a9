// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a thread may do wrong before it returns to user mode, for the test to begin from there
 *
 * To write one of the words below to the parameter "do" does it; to read the parameter
 * tells what the reading thread has open.
 */
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/libnvdimm.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <asm/trap_pf.h>
#include "pks_test.h"

static void begin_bracket(void)
{
	kmap_local_page(page);
}

static void end_bracket(void)
{
	kunmap_local(address);
}

/* What DAX does, and what must not happen to it. */
static void end_of_nothing(void)
{
	pgmap_end_access(true);
}

/* As a pointer that ran through its page. */
static void end_of_page(void)
{
	kunmap_local(kmap_local_page(page) + PAGE_SIZE);
}

static void out_of_order(void)
{
	void *first = kmap_local_page(page), *second = kmap_local_page(page + 1);

	kunmap_local(first);
	kunmap_local(second);
}

/* The same misuse where nothing is protected. */
static void begin_memory(void)
{
	kmap_local_page(ZERO_PAGE(0));
}

static void end_memory(void)
{
	kunmap_local(page_address(ZERO_PAGE(0)));
}

/* Right, with as many mappings at a time as @count, of which the middle of a page is unmapped. */
static void map_nested(unsigned int count)
{
	void *mapped = kmap_local_page(page + count);

	if (count)
		map_nested(count - 1);
	kunmap_local(mapped + PAGE_SIZE / 2);
}

static void balanced(void)
{
	void *mapped = kmap_local_folio(page_folio(page), PAGE_SIZE / 4);

	kunmap_atomic(kmap_atomic(page));
	kunmap_local(mapped);
	map_nested(15);
}

static void more_than_kept(void)
{
	map_nested(20);
}

/* Threads that end inside of a bracket. */
static int leave_open(void *unused)
{
	begin_bracket();
	return 0;
}

static void exit_inside(void)
{
	struct task_struct *thread = kthread_create(leave_open, NULL, "pks_test");

	if (IS_ERR(thread))
		return;
	get_task_struct(thread);
	wake_up_process(thread);
	/* until all has been said that an exit says */
	while (READ_ONCE(thread->__state) != TASK_DEAD)
		schedule_timeout_uninterruptible(1);
	put_task_struct(thread);
}

static long begin_in_work(void *unused)
{
	begin_bracket();
	return 0;
}

static void work_inside(void)
{
	work_on_cpu(raw_smp_processor_id(), begin_in_work, NULL);
}

/*
 * A CPU may look at the key of a page before it looks at who is asking, and tell of it when user
 * mode touches one of the kernel's.  An emulator does not: this does it in its stead, for any page.
 */
static int add_key_bit(struct kprobe *unused, struct pt_regs *regs)
{
	if (user_mode((struct pt_regs *)regs->di))
		regs->si |= X86_PF_PK;
	return 0;
}

static struct kprobe key_bit = {
	.symbol_name = "bad_area_nosemaphore",
	.pre_handler = add_key_bit,
};

static bool key_bit_added;

static void fault_with_key_bit(void)
{
	key_bit_added = !register_kprobe(&key_bit);
}

void end_acts(void)
{
	if (key_bit_added)
		unregister_kprobe(&key_bit);
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
	{ "end_of_nothing", end_of_nothing },
	{ "exit_inside", exit_inside },
	{ "work_inside", work_inside },
	{ "fault_with_key_bit", fault_with_key_bit },
	{ "flush", flush },
	{ "end_of_page", end_of_page },
	{ "out_of_order", out_of_order },
	{ "begin_memory", begin_memory },
	{ "end_memory", end_memory },
	{ "balanced", balanced },
	{ "more_than_kept", more_than_kept },
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
	return sysfs_emit(buffer, "%s\n", register_closed() && agrees(0) ? "closed" : "open");
}

static const struct kernel_param_ops do_ops = { .set = set_do, .get = get_do };
module_param_cb(do, &do_ops, NULL, 0600);
MODULE_PARM_DESC(do, "an act of those above; reads as what the thread has: open or closed");

static int get_protected(char *buffer, const struct kernel_param *unused)
{
	return sysfs_emit(buffer, "%d\n", protected_pagemaps());
}

static const struct kernel_param_ops protected_ops = { .get = get_protected };
module_param_cb(protected, &protected_ops, NULL, 0400);
MODULE_PARM_DESC(protected, "how many pagemaps are protected");
