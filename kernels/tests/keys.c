// SPDX-License-Identifier: GPL-2.0-only
/*
 * Static keys that are turned on and off while the code that has them runs on all CPUs
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/nmi.h>
#include "pks_test.h"

#define PER_CPU		2	/* threads of each kind */
#define MOST_THREADS	16	/* of each kind */
#define ROUNDS_AWAKE	64	/* of a thread of the load, until it sleeps for a tick */
#define PAGEMAP_EVERY	50	/* times that the key is turned on, one is by a pagemap */

static uint times = 100;
module_param(times, uint, 0);
MODULE_PARM_DESC(times, "how often the set keys turns the key of kmap_local_page() on and off");

/* The protected page, while there is one, is not taken from who uses it. */
static DECLARE_RWSEM(page_lock);

/* What a thread, a handler or a work item of the load finds. */
static const char *load_failure;
static atomic_long_t rounds, sleepers, nmis;

static void found(bool right, const char *what)
{
	if (!right)
		WRITE_ONCE(load_failure, what);
}

/*
 * A fault of the kernel that sleeps until the key has been turned on: it began where the key was
 * off, and ends where it is on.
 */
static DECLARE_COMPLETION(turned_on);

static vm_fault_t sleep_until_turned_on(struct vm_fault *fault)
{
	struct page *memory = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!memory)
		return VM_FAULT_OOM;
	atomic_long_inc(&sleepers);
	wait_for_completion(&turned_on);
	fault->page = memory;
	return 0;
}

static const struct vm_operations_struct sleeping_memory = { .fault = sleep_until_turned_on };

static int map_sleeping_memory(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &sleeping_memory;
	return 0;
}

static const struct file_operations sleeping_file = {
	.owner = THIS_MODULE,
	.mmap = map_sleeping_memory,
};

struct sleeper {
	struct mm_struct *mm;
	unsigned long at;	/* address in user space */
	struct completion done;
};

static int sleep_in_fault(void *data)
{
	struct sleeper *me = data;
	unsigned long value;

	kthread_use_mm(me->mm);
	found(!get_user(value, (unsigned long __user *)me->at), "a fault that sleeps");
	found(agrees(0) && own_bracket_works(), "a thread whose fault has slept");
	kthread_unuse_mm(me->mm);
	kthread_complete_and_exit(&me->done, 0);
}

/* Returns the address of count pages in the user space of this thread, or an error. */
static unsigned long map_pages(unsigned int count)
{
	struct file *file = anon_inode_getfile("[pks_test]", &sleeping_file, NULL, O_RDWR);
	unsigned long at;

	if (IS_ERR(file))
		return PTR_ERR(file);
	at = vm_mmap(file, 0, count * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
	fput(file);
	return at;
}

static unsigned int start_sleepers(struct sleeper *sleepers, unsigned int count)
{
	unsigned long at = map_pages(count);
	struct task_struct *thread;
	unsigned int i;

	if (IS_ERR_VALUE(at))
		return 0;
	for (i = 0; i < count; i++) {
		sleepers[i].mm = current->mm;
		sleepers[i].at = at + i * PAGE_SIZE;
		init_completion(&sleepers[i].done);
		thread = kthread_run(sleep_in_fault, &sleepers[i], "pks_sleep/%u", i);
		if (IS_ERR(thread))
			break;
	}
	return i;
}

/* Whether the page, if there is one, opens to a bracket, and to nothing else. */
static bool page_works(void)
{
	bool works = true;

	if (!down_read_trylock(&page_lock))
		return true;
	if (page)
		works = own_bracket_works();
	up_read(&page_lock);
	return works;
}

/* In a handler, which does not wait: what it interrupted cannot let go of the page meanwhile. */
static bool nothing_open(void)
{
	return register_closed() && agrees(0);
}

static void on_interrupt(struct irq_work *unused)
{
	found(nothing_open(), "an interrupt");
}

static int on_nmi(unsigned int command, struct pt_regs *regs)
{
	found(nothing_open(), "an NMI");
	atomic_long_inc(&nmis);
	return NMI_HANDLED;
}

static void map_memory(void *of)
{
	void *mapped = kmap_local_page(virt_to_page(of));

	found(readable(mapped) && agrees(0), "a mapping of memory");
	kunmap_local(mapped);
}

static int load(void *data)
{
	struct irq_work interrupt = IRQ_WORK_INIT_HARD(on_interrupt);
	unsigned int round = 0;
	int cpu;

	while (!kthread_should_stop()) {
		map_memory(current);
		found(!readable(NOWHERE), "a fault");
		irq_work_queue(&interrupt);
		cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
		if (cpu < nr_cpu_ids)
			apic->send_IPI(cpu, NMI_VECTOR);
		found(page_works(), "a bracket");
		cpu_relax();	/* where CPUs take turns, it is the next one's */
		irq_work_sync(&interrupt);
		found(agrees(0), "a thread");
		atomic_long_inc(&rounds);
		if (++round % ROUNDS_AWAKE)
			schedule();
		else
			schedule_timeout_uninterruptible(1);
	}
	return 0;
}

/* Once in each boot: the key is never turned off. */
static void turn_entry_key_on(void)
{
	static struct sleeper sleepers_of[MOST_THREADS];
	unsigned int i, started, count = min(PER_CPU * num_online_cpus(), MOST_THREADS);

	expect(entry_key_count() == 0);
	started = start_sleepers(sleepers_of, count);
	expect(started == count);
	while (atomic_long_read(&sleepers) < started)
		schedule_timeout_uninterruptible(1);
	down_write(&page_lock);
	page = map_pagemap(spare, PGMAP_PROTECTION);
	expect(!IS_ERR(page));
	page = IS_ERR(page) ? NULL : page;
	address = page ? page_address(page) : NULL;
	up_write(&page_lock);
	expect(entry_key_count() == 1);
	complete_all(&turned_on);
	for (i = 0; i < started; i++)
		wait_for_completion(&sleepers_of[i].done);
}

static void unmap_page(void)
{
	down_write(&page_lock);
	if (page)
		unmap_pagemap();
	page = NULL;
	up_write(&page_lock);
}

/* As long as the load has gone through some rounds more. */
static void let_load_run(void)
{
	long until = atomic_long_read(&rounds) + PER_CPU * num_online_cpus();

	while (atomic_long_read(&rounds) < until && !load_failure)
		schedule_timeout_uninterruptible(1);
}

static void turn_on_and_off_by_pagemap(void)
{
	struct page *mapped = map_pagemap(spare, PGMAP_PROTECTION);

	expect(!IS_ERR(mapped));
	if (IS_ERR(mapped))
		return;
	expect(protected_pagemaps() == 1);
	down_write(&page_lock);
	page = mapped;
	up_write(&page_lock);
	schedule();
	unmap_page();
}

/* As where the only pagemap that is protected has no memory. */
static void turn_on_and_off(void)
{
	static_branch_inc(&devmap_protection_key);
	expect(protected_pagemaps() == 1);
	schedule();
	static_branch_dec(&devmap_protection_key);
}

static void turn_kmap_key_on_and_off(void)
{
	uint i;

	for (i = 0; i < times && !load_failure; i++) {
		if (i % PAGEMAP_EVERY)
			turn_on_and_off();
		else
			turn_on_and_off_by_pagemap();
		expect(protected_pagemaps() == 0);
	}
	pr_info("# the key of kmap_local_page() was turned on and off %u times\n", i);
}

static long look(void *unused)
{
	return agrees(0);
}

void test_keys_under_load(void)
{
	static struct task_struct *threads[MOST_THREADS];
	unsigned int i, started, count = min(PER_CPU * num_online_cpus(), MOST_THREADS);
	int cpu;

	expect(spare && !page && protected_pagemaps() == 0);
	expect(!register_nmi_handler(NMI_LOCAL, on_nmi, 0, "pks_test"));
	for (started = 0; started < count; started++) {
		threads[started] = kthread_create(load, NULL, "pks_load/%u", started);
		if (IS_ERR(threads[started]))
			break;
		kthread_bind(threads[started], started % num_online_cpus());
		wake_up_process(threads[started]);
	}
	expect(started == count);
	let_load_run();
	turn_entry_key_on();
	let_load_run();
	unmap_page();
	turn_kmap_key_on_and_off();
	let_load_run();
	for (i = 0; i < started; i++)
		kthread_stop(threads[i]);
	unregister_nmi_handler(NMI_LOCAL, "pks_test");
	for_each_online_cpu(cpu)
		expect(work_on_cpu(cpu, look, NULL) == 1);
	pr_info("# %u CPUs, %ld rounds, %ld NMIs, %ld faults that slept\n", num_online_cpus(),
		atomic_long_read(&rounds), atomic_long_read(&nmis), atomic_long_read(&sleepers));
	if (load_failure)
		note(false, load_failure);
}
