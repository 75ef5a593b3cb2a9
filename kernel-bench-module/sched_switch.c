// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that hand one CPU to each other
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>
#include <linux/smp.h>

#include "devmap.h"
#include "entry.h"

/* What is waited for before a sample, at most: a CPU may never be free of others. */
#define KB_SETTLE_US		100
#define KB_SETTLE_TRIES		20

/*
 * The load averages' period (kernel/sched/pelt.c); how long ago it has to have begun, so that
 * the switch at the end of a sleep was in it; and what has to be left of it for a sample.
 */
#define KB_PERIOD_NS		(1024 * 1024)
#define KB_WAKE_NS		(20 * 1000)
#define KB_SAMPLE_NS		(200 * 1000)

static struct task_struct *measured, *partner, *turn;	/* RUN is exclusive */

static __always_inline void kb_hand_over(struct task_struct *other)
{
	WRITE_ONCE(turn, other);
	wake_up_process(other);
}

/*
 * Neither preempts the other, whom it has just woken: they have the same priority.  TASK_IDLE
 * is nobody's load, and of no interest to those who look for hung tasks.
 */
KB_BODY(kb_body_elsewhere_switch, {
	kb_hand_over(partner);
	for (;;) {
		set_current_state(TASK_IDLE);
		if (READ_ONCE(turn) == measured)
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
})

static int kb_partner(void *unused)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		if (READ_ONCE(turn) != current) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		kb_hand_over(measured);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* The measured thread becomes FIFO for this run; only what can be put back is changed. */
static int kb_switch_begin(struct kb_ctx *ctx)
{
	if (current->policy != SCHED_NORMAL || current->sched_reset_on_fork)
		return kb_skip(ctx, "the caller has a scheduling policy of its own");
	partner = kthread_create(kb_partner, NULL, "kmapbench");
	if (IS_ERR(partner))
		return PTR_ERR(partner);
	migrate_disable();
	kthread_bind(partner, raw_smp_processor_id());
	measured = current;
	turn = measured;
	sched_set_fifo(partner);
	sched_set_fifo(current);
	wake_up_process(partner);
	return 0;
}

int kb_elsewhere_setup_switch(struct kb_ctx *ctx)
{
	int err = ctx->depth ? kb_devmap_setup_any(ctx) : 0;

	if (err)
		return err;
	err = kb_switch_begin(ctx);
	if (err)
		kb_elsewhere_teardown(ctx);
	return err;
}

static bool kb_period_lasts(void)
{
	u64 begun = local_clock() % KB_PERIOD_NS;

	return begun > KB_WAKE_NS && begun < KB_PERIOD_NS - KB_SAMPLE_NS;
}

/*
 * Two things make a switch take another way.  Who waits for the CPU waits for as long as FIFO
 * threads hold it, and with one more in the queue the scheduler's accounts are shorter
 * (add_nr_running() and its converse); so they run first.  And the first switch in a period of
 * the load averages brings these forward; to sleep is one, and then the period has to last.
 */
void kb_elsewhere_settle_switch(struct kb_ctx *unused)
{
	u32 tries = KB_SETTLE_TRIES;

	do {
		usleep_range(KB_SETTLE_US, 2 * KB_SETTLE_US);
	} while (tries-- && !(single_task_running() && kb_period_lasts()));
}

void kb_elsewhere_teardown_switch(struct kb_ctx *ctx)
{
	sched_set_normal(current, task_nice(current));
	kthread_stop(partner);
	migrate_enable();
	kb_elsewhere_teardown(ctx);
}
