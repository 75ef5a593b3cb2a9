// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kmapbench: INFO, CASE, RUN
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/tsc.h>

#include "case.h"
#include "devmap.h"
#include "disturbance.h"
#include "loop.h"
#include "loop_check.h"
#include "oracle.h"
#include "pks.h"
#include "window_counter.h"

static DEFINE_MUTEX(run_mutex);

/* Where kb_loops begins: this file is linked first (loop_check.h). */
asm(".pushsection kb_loops, \"a\"\n"
	".balign 4\n"
	".globl kb_loops_begin\n"
	"kb_loops_begin:\n"
	".popsection");

static long kb_ioctl_info(void __user *arg)
{
	struct kmapbench_info info = {
		.abi = KMAPBENCH_ABI,
		.case_count = kb_case_count,
		.tsc_khz = tsc_khz,
	};

	if (kb_pks_cpu())
		info.features |= KMAPBENCH_CPU_HAS_PKS;
	if (kb_pks_kernel())
		info.features |= KMAPBENCH_KERNEL_USES_PKS;
	if (kb_loop_has_endbr())
		info.features |= KMAPBENCH_LOOPS_HAVE_ENDBR;
	info.features |= kb_disturbance_features();
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long kb_ioctl_case(void __user *arg)
{
	struct kmapbench_case_desc desc;
	const struct kb_case *c;
	u32 index;

	if (get_user(index, (u32 __user *)arg))
		return -EFAULT;
	if (index >= kb_case_count)
		return -EINVAL;
	index = array_index_nospec(index, kb_case_count);
	c = &kb_cases[index];

	memset(&desc, 0, sizeof(desc));
	desc.index = index;
	desc.flags = c->needs_page;
	desc.known = c->known;
	desc.known_adds = c->known_adds;
	if (c->in_default_set)
		desc.flags |= KMAPBENCH_CASE_DEFAULT;
	if (c->stand_in)
		desc.flags |= KMAPBENCH_CASE_STAND_IN;
	if (c->event == KB_EVENT_SWITCH)
		desc.flags |= KMAPBENCH_CASE_SWITCHES;
	/* each NMI is looked at by the PMU's driver as long as an event is open */
	if (c->event == KB_EVENT_NMI)
		desc.flags |= KMAPBENCH_CASE_NMIS;
	if (c->varies)
		desc.flags |= KMAPBENCH_CASE_VARIES;
	desc.irq_policies = kb_irq_policies(c);
	strscpy(desc.name, c->name, sizeof(desc.name));
	strscpy(desc.what, c->what, sizeof(desc.what));
	return copy_to_user(arg, &desc, sizeof(desc)) ? -EFAULT : 0;
}

u32 kb_irq_policies(const struct kb_case *c)
{
	if (c->sleeps)
		return BIT(KMAPBENCH_IRQS_ON);
	/* it has to come through, and to this thread */
	if (c->event == KB_EVENT_IRQ_WORK)
		return BIT(KMAPBENCH_PREEMPT_OFF);
	/* to this CPU */
	if (c->event == KB_EVENT_NMI)
		return BIT(KMAPBENCH_IRQS_OFF) | BIT(KMAPBENCH_PREEMPT_OFF);
	/* a handler may have a bracket of its own, and closes what we have open with it */
	if (c->needs_pks && kb_pks_kernel())
		return BIT(KMAPBENCH_IRQS_OFF);
	/* a register or PKS itself is changed on one CPU: nobody else may run there */
	if (c->needs_pks || c->needs_pku || c->stand_in)
		return BIT(KMAPBENCH_IRQS_OFF) | BIT(KMAPBENCH_PREEMPT_OFF);
	return BIT(KMAPBENCH_IRQ_POLICIES) - 1;
}

/* NULL where the case can run here. */
static const char *kb_skip_reason(const struct kb_case *c)
{
	if (c->needs_pks && !kb_pks_cpu())
		return "this CPU has no PKS";
	if (c->needs_pku && !boot_cpu_has(X86_FEATURE_OSPKE))
		return "this CPU has no PKU, or the kernel does not use it";
	if (c->skip_reason && c->skip_reason())
		return c->skip_reason();
	return c->needs_protection_check ? kb_oracle_refusal() : NULL;
}

/* Maps once, and looks at what came of it: a path that maps the wrong page is no path. */
static bool kb_maps_right(const struct kb_case *c, struct kb_ctx *ctx)
{
	void *addr;

	if (!c->map)
		return true;
	if (c->sleeps) {
		addr = c->map(ctx);
		c->unmap(ctx, addr);
		return addr == ctx->expected;
	}
	preempt_disable();
	if (c->needs_pks)
		kb_pks_enter(&ctx->pks);
	kb_enter(c, ctx);
	addr = c->map(ctx);
	c->unmap(ctx, addr);
	kb_leave(c, ctx);
	if (c->needs_pks)
		kb_pks_leave(&ctx->pks);
	preempt_enable();
	return addr == ctx->expected;
}

static int kb_measure(const struct kb_case *c, struct kb_ctx *ctx,
		      struct kmapbench_sample *samples)
{
	struct kmapbench_run *run = ctx->run;
	int err;

	if (!kb_maps_right(c, ctx)) {
		kb_flag(run, "the map gave the address of another page");
		return 0;
	}
	if (c->needs_protection_check) {
		err = kb_oracle_check(c, ctx);
		if (err)
			return err;
	}
	err = kb_sample(c, ctx, samples);
	if (err)
		return err;
	if (c->needs_protection_check) {
		err = kb_oracle_check(c, ctx);
		if (err)
			return err;
	}
	if (run->oracle == KMAPBENCH_ORACLE_FAILED)
		run->status = KMAPBENCH_FLAGGED;
	return 0;
}

static int kb_run(struct kmapbench_run *run, struct kmapbench_sample *samples)
{
	const struct kb_case *c = &kb_cases[array_index_nospec(run->index, kb_case_count)];
	struct kb_ctx ctx = { .run = run, .set = c->set, .depth = c->depth };
	const char *skip = kb_skip_reason(c);
	int err;

	if (skip) {
		kb_skip(&ctx, skip);
		return 0;
	}
	ctx.buffer = (void *)get_zeroed_page(GFP_KERNEL);
	if (!ctx.buffer)
		return -ENOMEM;
	err = kb_counter_open(&ctx);
	if (err)
		goto free_buffer;
	err = c->setup ? c->setup(&ctx) : 0;
	if (!err) {
		err = kb_measure(c, &ctx, samples);
		if (c->teardown)
			c->teardown(&ctx);
	}
	kb_counter_close(&ctx);
free_buffer:
	free_page((unsigned long)ctx.buffer);
	return err == KB_SKIP ? 0 : err;
}

static bool kb_run_valid(const struct kmapbench_run *run)
{
	const struct kb_case *c;

	if (run->index >= kb_case_count)
		return false;
	c = &kb_cases[array_index_nospec(run->index, kb_case_count)];
	return run->ops >= 1 && run->ops <= KMAPBENCH_MAX_OPS &&
	       run->samples >= 1 && run->samples <= KMAPBENCH_MAX_SAMPLES &&
	       run->irq_policy < KMAPBENCH_IRQ_POLICIES &&
	       kb_irq_policies(c) & BIT(run->irq_policy) &&
	       (c->needs_page || !run->user_page) && run->clock < KMAPBENCH_CLOCKS;
}

/* What a RUN says, before it has anything to say. */
static void kb_run_clear(struct kmapbench_run *run)
{
	run->status = KMAPBENCH_OK;
	run->oracle = KMAPBENCH_ORACLE_NONE;
	run->cpu = 0;
	run->taken = 0;
	run->first_window = 0;
	run->oracle_error_code = 0;
	run->section_ticks = 0;
	run->run_ticks = 0;
	memset(run->rejected, 0, sizeof(run->rejected));
	run->pages = 0;
	memset(run->reason, 0, sizeof(run->reason));
}

static long kb_ioctl_run(void __user *arg)
{
	struct kmapbench_sample *samples;
	struct kmapbench_run run;
	size_t size;
	u64 begin;
	long err;

	if (copy_from_user(&run, arg, sizeof(run)))
		return -EFAULT;
	if (!kb_run_valid(&run))
		return -EINVAL;
	begin = kb_clock();
	kb_run_clear(&run);

	if (!mutex_trylock(&run_mutex))
		return -EBUSY;
	size = array_size(run.samples, sizeof(*samples));
	samples = kvzalloc(size, GFP_KERNEL);
	err = samples ? kb_run(&run, samples) : -ENOMEM;
	mutex_unlock(&run_mutex);

	if (!err && copy_to_user(u64_to_user_ptr(run.buffer), samples, size))
		err = -EFAULT;
	run.run_ticks = kb_clock() - begin;
	if (!err && copy_to_user(arg, &run, sizeof(run)))
		err = -EFAULT;
	kvfree(samples);
	return err;
}

static long kb_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (command) {
	case KMAPBENCH_IOC_INFO:
		return kb_ioctl_info(user);
	case KMAPBENCH_IOC_CASE:
		return kb_ioctl_case(user);
	case KMAPBENCH_IOC_RUN:
		return kb_ioctl_run(user);
	default:
		return -ENOTTY;
	}
}

/* Registers are written on behalf of who opens this, so lockdown refuses it as it does /dev/msr. */
static int kb_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return security_locked_down(LOCKDOWN_MSR);
}

static const struct file_operations kb_fops = {
	.owner = THIS_MODULE,
	.open = kb_open,
	.unlocked_ioctl = kb_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kb_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmapbench",
	.fops = &kb_fops,
	.mode = 0600,
};

static int __init kb_init(void)
{
	const char *refusal = kb_clock_refusal();
	int err;

	if (refusal) {
		pr_err("%s\n", refusal);
		return -EOPNOTSUPP;
	}
	err = kb_loop_check();
	if (err)
		return err;
	err = kb_devmap_init();
	if (err)
		return err;
	kb_oracle_init();
	kb_disturbance_init();
	kb_mark_loaded();
	err = misc_register(&kb_device);
	if (err)
		kb_devmap_exit();
	return err;
}

static void __exit kb_exit(void)
{
	misc_deregister(&kb_device);
	kb_devmap_exit();
}

module_init(kb_init);
module_exit(kb_exit);
MODULE_VERSION(__stringify(KMAPBENCH_ABI));
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Times the kmap path with and without protection keys for supervisor pages");
