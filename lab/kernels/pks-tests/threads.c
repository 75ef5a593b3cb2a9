// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose rights they are: a thread's, on whichever CPU it runs
 */
#include <linux/sched.h>
#include <linux/workqueue.h>
#include "pks_test.h"

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
