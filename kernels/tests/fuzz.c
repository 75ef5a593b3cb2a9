// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random brackets: threads on all CPUs map, unmap, fault, sleep and move in any order, and
 * look after each step whether memory, register and thread agree with what they hold
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "pks_test.h"

#define PER_CPU		2	/* threads */
#define MOST_HELD	8
#define PAGES		16	/* from the given one on */

static uint milliseconds = 1000;
module_param(milliseconds, uint, 0);
MODULE_PARM_DESC(milliseconds, "how long the set fuzz takes");

static ulong seed = 1;
module_param(seed, ulong, 0);
MODULE_PARM_DESC(seed, "of the random numbers of the set fuzz");

static bool forget;
module_param(forget, bool, 0);
MODULE_PARM_DESC(forget, "plant a bug in the set fuzz: one thread forgets an unmap");

struct fuzzer {
	struct task_struct *thread;
	struct rnd_state random;
	void *held[MOST_HELD];	/* what is mapped, in no order */
	unsigned int holds;
	bool forgets;
	unsigned long steps;
	const char *wrong;	/* the step after which something did not agree */
	struct irq_work interrupt;
	struct work_struct item;
	bool other_is_right;	/* the handler's or the work item's own view */
};

static u32 below(struct fuzzer *me, u32 limit)
{
	return prandom_u32_state(&me->random) % limit;
}

static struct page *some_page(struct fuzzer *me)
{
	return page + below(me, PAGES);
}

static void map_page(struct fuzzer *me)
{
	if (me->holds < MOST_HELD)
		me->held[me->holds++] = kmap_local_page(some_page(me));
}

/* Takes one of those that are held, not the last one. */
static void *take(struct fuzzer *me)
{
	unsigned int which = below(me, me->holds);
	void *taken = me->held[which];

	me->held[which] = me->held[--me->holds];
	return taken;
}

static void unmap_page(struct fuzzer *me)
{
	if (!me->holds)
		return;
	if (me->forgets) {
		me->forgets = false;
		take(me);
		return;
	}
	kunmap_local(take(me));
}

/* A pointer that went on in its page, and to its end. */
static void unmap_moved(struct fuzzer *me)
{
	if (me->holds)
		kunmap_local(take(me) + below(me, PAGE_SIZE + 1));
}

static char sink[PAGE_SIZE];

static void unmap_foreign(struct fuzzer *me)
{
	void *foreign[] = { NULL, sink, sink + PAGE_SIZE, me, me->held, THIS_MODULE };

	kunmap_local(foreign[below(me, ARRAY_SIZE(foreign))]);
}

static void map_memory(struct fuzzer *me)
{
	struct page *memory = virt_to_page(me);

	kunmap_local(kmap_local_page(memory));
}

static void map_atomically(struct fuzzer *me)
{
	void *mapped = kmap_atomic(some_page(me));

	if (!agrees(me->holds + 1) || !readable(mapped))
		me->wrong = "kmap_atomic()";
	kunmap_atomic(mapped);
}

static void touch(struct fuzzer *me)
{
	void *at = page_address(some_page(me));

	if (readable(at) != !!me->holds || writable(at) != !!me->holds)
		me->wrong = "an access";
}

static void read_carefully(struct fuzzer *me)
{
	unsigned long value;
	long got = copy_from_kernel_nofault(&value, page_address(some_page(me)), sizeof(value));

	if (got != (me->holds ? 0 : -ERANGE))
		me->wrong = "a probe";
}

static void take_fault(struct fuzzer *me)
{
	if (readable(NOWHERE))
		me->wrong = "a fault";
}

static void on_interrupt(struct irq_work *work)
{
	struct fuzzer *me = container_of(work, struct fuzzer, interrupt);

	me->other_is_right = own_bracket_works();
}

static void take_interrupt(struct fuzzer *me)
{
	me->other_is_right = false;
	preempt_disable();	/* it is this thread that is interrupted */
	irq_work_queue(&me->interrupt);
	while (irq_work_is_busy(&me->interrupt))
		cpu_relax();
	preempt_enable();
	if (!me->other_is_right)
		me->wrong = "an interrupt";
}

static void on_item(struct work_struct *work)
{
	struct fuzzer *me = container_of(work, struct fuzzer, item);

	me->other_is_right = own_bracket_works();
}

static void queue_item(struct fuzzer *me)
{
	me->other_is_right = false;
	queue_work(system_unbound_wq, &me->item);
	flush_work(&me->item);
	if (!me->other_is_right)
		me->wrong = "a work item";
}

static void give_way(struct fuzzer *me)
{
	schedule();
}

static void sleep_a_tick(struct fuzzer *me)
{
	schedule_timeout_uninterruptible(1);
}

/* The CPU may be going just now. */
static void move(struct fuzzer *me)
{
	int cpu = cpumask_nth(below(me, num_online_cpus()), cpu_online_mask);

	if (cpu < nr_cpu_ids)
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static const struct step {
	const char *name;
	void (*take)(struct fuzzer *me);
} steps[] = {
	{ "map", map_page },
	{ "map", map_page },
	{ "unmap", unmap_page },
	{ "unmap of a moved pointer", unmap_moved },
	{ "unmap of something else", unmap_foreign },
	{ "map of memory", map_memory },
	{ "kmap_atomic", map_atomically },
	{ "access", touch },
	{ "probe", read_carefully },
	{ "fault", take_fault },
	{ "interrupt", take_interrupt },
	{ "work item", queue_item },
	{ "schedule", give_way },
	{ "sleep", sleep_a_tick },
	{ "move", move },
};

static int fuzz(void *data)
{
	struct fuzzer *me = data;

	while (!kthread_should_stop()) {
		const struct step *step = &steps[below(me, ARRAY_SIZE(steps))];

		if (me->wrong) {
			sleep_a_tick(me);
			continue;
		}
		step->take(me);
		me->steps++;
		if (!me->wrong && !agrees(me->holds))
			me->wrong = step->name;
		cond_resched();
	}
	while (me->holds)
		kunmap_local(take(me));
	/* what it has forgotten has been told of, and is ended */
	while (me->wrong && !register_closed())
		kunmap_local(address);
	if (!me->wrong && !closed())
		me->wrong = "the end";
	return 0;
}

static bool start(struct fuzzer *me, unsigned int number)
{
	prandom_seed_state(&me->random, seed + number);
	me->forgets = forget && number == 0;
	me->interrupt = IRQ_WORK_INIT_HARD(on_interrupt);
	INIT_WORK(&me->item, on_item);
	me->thread = kthread_run(fuzz, me, "pks_test/%u", number);
	return !IS_ERR(me->thread);
}

void test_random_brackets(void)
{
	unsigned int i, count = PER_CPU * num_online_cpus();
	struct fuzzer *fuzzers = kcalloc(count, sizeof(*fuzzers), GFP_KERNEL);
	unsigned long taken = 0;

	expect(fuzzers);
	if (!fuzzers)
		return;
	for (i = 0; i < count; i++)
		if (!start(&fuzzers[i], i))
			break;
	expect(i == count);
	count = i;
	schedule_timeout_idle(msecs_to_jiffies(milliseconds));	/* no hung task */
	for (i = 0; i < count; i++) {
		kthread_stop(fuzzers[i].thread);
		taken += fuzzers[i].steps;
		if (fuzzers[i].wrong)
			pr_info("# thread %u, step %lu: wrong after %s, %u held\n", i,
				fuzzers[i].steps, fuzzers[i].wrong, fuzzers[i].holds);
		expect(!fuzzers[i].wrong);
	}
	pr_info("# %u threads, %lu steps, seed %lu\n", count, taken, seed);
	expect(taken > count * ARRAY_SIZE(steps));
	kfree(fuzzers);
}
