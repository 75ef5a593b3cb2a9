// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose rights they are: a thread's, on whichever CPU it runs
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>
#include "pks_test.h"

#define TURNS	20

/* Rights are a thread's: on no CPU does another thread run with them... */
static long look(void *unused)
{
	return closed() && own_bracket_works();
}

void test_other_threads(void)
{
	void *mapped = kmap_local_page(page);
	int cpu;

	expect(num_online_cpus() > 1);
	for_each_online_cpu(cpu) {
		expect(work_on_cpu(cpu, look, NULL) == 1);
		expect(open(1));
	}
	kunmap_local(mapped);
	expect(closed());
}

/* ... and they go with it to any CPU. */
void test_migration(void)
{
	void *mapped = kmap_local_page(page);
	int cpu;

	for_each_online_cpu(cpu) {
		expect(!set_cpus_allowed_ptr(current, cpumask_of(cpu)));
		expect(raw_smp_processor_id() == cpu);
		expect(open(1));
	}
	kunmap_local(mapped);
	for_each_online_cpu(cpu) {
		expect(!set_cpus_allowed_ptr(current, cpumask_of(cpu)));
		expect(closed());
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

/* Two threads with brackets of their own, and one without, share a CPU. */
struct partner {
	unsigned int brackets;
	bool held;			/* found its own rights, each time */
	struct completion turn, done;
};

static int take_turns(void *data)
{
	struct partner *me = data;
	void *mapped[2];
	unsigned int i;

	me->held = true;
	for (i = 0; i < me->brackets; i++)
		mapped[i] = kmap_local_page(page);
	for (i = 0; i < 2 * TURNS; i++) {
		wait_for_completion(&me->turn);
		me->held &= me->brackets ? open(me->brackets) : closed();
		complete(&me->done);
	}
	for (i = me->brackets; i--; )
		kunmap_local(mapped[i]);
	me->held &= closed();
	complete(&me->done);
	return 0;
}

static bool start(struct partner *partner, unsigned int brackets, int cpu)
{
	struct task_struct *thread;

	partner->brackets = brackets;
	init_completion(&partner->turn);
	init_completion(&partner->done);
	thread = kthread_create(take_turns, partner, "pks_test/%u", brackets);
	if (IS_ERR(thread))
		return false;
	kthread_bind(thread, cpu);
	wake_up_process(thread);
	return true;
}

void test_switch(void)
{
	static struct partner open_one, closed_one;
	int cpu = raw_smp_processor_id();
	void *mapped;
	int i;

	expect(!set_cpus_allowed_ptr(current, cpumask_of(cpu)));
	mapped = kmap_local_page(page);
	if (!start(&open_one, 2, cpu) || !start(&closed_one, 0, cpu)) {
		expect(!"threads could be started");
		goto out;
	}
	for (i = 0; i < TURNS; i++) {
		complete(&open_one.turn);
		complete(&closed_one.turn);
		wait_for_completion(&open_one.done);
		wait_for_completion(&closed_one.done);
		expect(open(1));
	}
	/* From a thread that has just closed: to one that is open nothing is to be skipped. */
	for (i = 0; i < TURNS; i++) {
		kunmap_local(mapped);
		complete(&open_one.turn);
		wait_for_completion(&open_one.done);
		mapped = kmap_local_page(page);
		complete(&closed_one.turn);
		wait_for_completion(&closed_one.done);
	}
	wait_for_completion(&open_one.done);
	wait_for_completion(&closed_one.done);
	expect(open_one.held);
	expect(closed_one.held);
out:
	kunmap_local(mapped);
	expect(closed());
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

/*
 * A child takes nothing over from its parent.  No kernel thread but kthreadd has
 * children, and that one opens nothing, hence the detour to kernel_thread().
 */
static pid_t (*make_thread)(int (*run)(void *data), void *data, const char *name,
			    unsigned long flags);

struct family {
	void (*open)(void);
	void (*close)(void);
	bool child_closed;
	struct completion child_done;
};

static int child(void *data)
{
	struct family *family = data;

	family->child_closed = register_closed();
	kthread_complete_and_exit(&family->child_done, 0);
}

static long parent(void *data)
{
	struct family *family = data;
	bool had_child;

	family->open();
	had_child = !register_closed() &&
		    make_thread(child, family, "pks_test", CLONE_FS | CLONE_FILES | SIGCHLD) > 0;
	if (had_child)
		wait_for_completion(&family->child_done);
	family->close();
	return had_child;
}

bool child_is_closed(void (*open_it)(void), void (*close_it)(void))
{
	struct family family = { .open = open_it, .close = close_it };

	init_completion(&family.child_done);
	make_thread = find_function("kernel_thread");
	return make_thread &&
	       work_on_cpu(raw_smp_processor_id(), parent, &family) && family.child_closed;
}

static void map_page(void)
{
	kmap_local_page(page);
}

static void unmap_page(void)
{
	kunmap_local(address);
}

void test_child(void)
{
	expect(child_is_closed(map_page, unmap_page));
}
