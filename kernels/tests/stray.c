// SPDX-License-Identifier: GPL-2.0-only
/*
 * Relaxed mode: a stray access is let pass, and counted, and opens to who made it
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <asm/pks_types.h>
#include "pks_test.h"

#define STORM	1000
#define OTHER_KEY	(PKS_KEY_PGMAP + 1)

long stray_accesses(void)
{
	char text[24] = "";
	loff_t position = 0;
	long value = -1;
	struct file *file = filp_open("/sys/module/memremap/parameters/pks_faults", O_RDONLY, 0);

	if (IS_ERR(file))
		return -1;
	if (kernel_read(file, text, sizeof(text) - 1, &position) <= 0 ||
	    kstrtol(strim(text), 10, &value))
		value = -1;
	filp_close(file, NULL);
	return value;
}

static void own_bracket(void)
{
	kunmap_local(kmap_local_page(page));
}

/*
 * The first test of its set: what is told of once is told of here.  A stray access opens until
 * the thread is switched away from, so that it may not be until it was looked at.
 */
void test_stray_opens(void)
{
	long before = stray_accesses();
	bool opened;

	expect(before >= 0);
	expect(register_closed());
	preempt_disable();
	stray();
	opened = open(0);
	stray();
	preempt_enable();
	expect(opened);
	expect(stray_accesses() == before + 1);
	own_bracket();
	expect(register_closed());
	expect(stray_accesses() == before + 1);
}

/* What would be an error return in strict mode is the data here. */
void test_stray_before_fixup(void)
{
	long before = stray_accesses();

	preempt_disable();
	expect(readable(address));
	expect(writable(address));
	preempt_enable();
	expect(stray_accesses() == before + 1);
	own_bracket();
	expect(register_closed());
}

/* The interrupted thread has not strayed, and gains nothing. */
static bool handler_opened;

static void on_interrupt(struct irq_work *unused)
{
	stray();
	handler_opened = open(0);
}

void test_stray_in_interrupt(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(on_interrupt);
	long before = stray_accesses();

	handler_opened = false;
	irq_work_queue(&work);
	irq_work_sync(&work);
	expect(handler_opened);
	expect(register_closed());
	expect(stray_accesses() == before + 1);
}

/* Relaxed mode is for pagemaps: memory of somebody else's key stays closed, and is no stray. */
void test_other_key(void)
{
	pgprot_t closed_by_other = __pgprot(pgprot_val(PAGE_KERNEL) | (u64)OTHER_KEY << PKEY_SHIFT);
	struct page *other = alloc_page(GFP_KERNEL);
	void *mapped = other ? vmap(&other, 1, VM_MAP, closed_by_other) : NULL;
	long before = stray_accesses();

	expect(mapped);
	if (mapped) {
		expect(!readable(mapped) && !writable(mapped));
		expect(stray_accesses() == before);
		expect(register_closed());
		vunmap(mapped);
	}
	if (other)
		__free_page(other);
}

/* Who is switched away from before the access is made again strays once more. */
void test_stray_storm(void)
{
	long before = stray_accesses();
	int i;

	for (i = 0; i < STORM; i++) {
		preempt_disable();
		stray();
		preempt_enable();
		own_bracket();
	}
	expect(stray_accesses() == before + STORM);
	expect(register_closed());
}

void test_stray_child(void)
{
	expect(child_is_closed(stray, own_bracket));
	expect(register_closed());
}

/* Until the thread is switched away from, so that it is not before it was looked at. */
static void expect_stray_opens(void)
{
	bool opened;

	preempt_disable();
	stray();
	opened = open(0);
	preempt_enable();
	expect(opened);
}

/* Threads that never return to user mode: what one has strayed into is not its own for good. */
static int stray_and_sleep(void *done)
{
	expect_stray_opens();
	schedule_timeout_uninterruptible(1);
	expect(register_closed());
	own_bracket();
	expect(register_closed());
	kthread_complete_and_exit(done, 0);
}

void test_stray_switch(void)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct task_struct *thread = kthread_run(stray_and_sleep, &done, "pks_test");

	expect(!IS_ERR(thread));
	if (!IS_ERR(thread))
		wait_for_completion(&done);
	expect(register_closed());
}

/* A worker goes from one item to the next without a switch, and the next may be anybody's. */
static struct task_struct *strayed_worker, *next_worker;

static void stray_item(struct work_struct *unused)
{
	expect_stray_opens();
	strayed_worker = current;
}

static void next_item(struct work_struct *unused)
{
	next_worker = current;
	expect(register_closed());
}

void test_stray_work(void)
{
	static DECLARE_WORK(first, stray_item);
	static DECLARE_WORK(second, next_item);
	int cpu = raw_smp_processor_id();

	/* with interrupts off, no worker takes the first one before the second one is there */
	local_irq_disable();
	queue_work_on(cpu, system_wq, &first);
	queue_work_on(cpu, system_wq, &second);
	local_irq_enable();
	flush_work(&first);
	flush_work(&second);
	expect(strayed_worker && strayed_worker == next_worker);
	expect(register_closed());
}
