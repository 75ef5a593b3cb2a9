// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads that hand one CPU to each other
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "devmap.h"
#include "elsewhere.h"

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

void kb_elsewhere_teardown_switch(struct kb_ctx *ctx)
{
	sched_set_normal(current, task_nice(current));
	kthread_stop(partner);
	migrate_enable();
	kb_elsewhere_teardown(ctx);
}
