// SPDX-License-Identifier: GPL-2.0-only
/*
 * What interrupts a thread that has the page open, or is just opening or closing it; or
 * the idle task
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kallsyms.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/msr.h>
#include <asm/nmi.h>
#include <asm/pks_types.h>
#include "pks_test.h"

#define SOME_STEPS	10	/* fewer, and what was to be stepped over was not */
#define MOST_STEPS	200
#define MOST_CALLS	1000	/* of a CPU, until it is idle */

/*
 * A handler runs on an open thread's CPU, and in its name, but has no part in what the
 * thread is doing: it starts closed, has brackets of its own, and leaves the thread open.
 */
static bool handler_ran, handler_closed, handler_opens;

static void handle(void)
{
	handler_closed = closed();
	handler_opens = own_bracket_works();
	WRITE_ONCE(handler_ran, true);
}

static void expect_handled(void)
{
	expect(handler_ran);
	expect(handler_closed);
	expect(handler_opens);
	handler_ran = false;
	handler_closed = false;
	handler_opens = false;
}

static void on_interrupt(struct irq_work *unused)
{
	handle();
}

void test_interrupt(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(on_interrupt);
	void *mapped = kmap_local_page(page);

	preempt_disable();	/* it is this thread that is interrupted */
	irq_work_queue(&work);
	while (irq_work_is_busy(&work))
		cpu_relax();
	expect(open(1));
	preempt_enable();
	kunmap_local(mapped);
	expect_handled();
	expect(closed());
}

/* The idle task that was interrupted; NULL: another one was, or none. */
static struct task_struct *idle;

static void on_call(void *unused)
{
	/* A polling CPU makes calls without an interrupt. */
	WRITE_ONCE(idle, in_hardirq() && is_idle_task(current) ? current : NULL);
}

/* What an interrupt saves of the idle task has a flag beside its rights, which is none. */
void test_interrupt_of_idle(void)
{
	int i, cpu;

	preempt_disable();
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	idle = NULL;
	for (i = 0; cpu < nr_cpu_ids && !READ_ONCE(idle) && i < MOST_CALLS; i++) {
		mdelay(1);	/* for its threads to end what they are doing */
		smp_call_function_single(cpu, on_call, NULL, true);
	}
	mdelay(1);	/* for the way out of the interrupt */
	preempt_enable();
	expect(idle);
	expect(!idle || !READ_ONCE(idle->thread.pks));
}

static int on_nmi(unsigned int command, struct pt_regs *regs)
{
	if (handler_ran)
		return NMI_DONE;
	handle();
	return NMI_HANDLED;
}

/* An NMI has an entry of its own. */
void test_nmi(void)
{
	void *mapped;
	int failed = register_nmi_handler(NMI_LOCAL, on_nmi, 0, "pks_test");

	expect(!failed);
	if (failed)
		return;
	mapped = kmap_local_page(page);
	preempt_disable();
	apic->send_IPI(smp_processor_id(), NMI_VECTOR);
	mdelay(1);
	expect(open(1));
	preempt_enable();
	kunmap_local(mapped);
	unregister_nmi_handler(NMI_LOCAL, "pks_test");
	expect_handled();
	expect(closed());
}

/*
 * An access that fails and is fixed up is the shortest exception there is.  What it came
 * upon is restored with interrupts on and with interrupts off, which are two ways out.
 */
static void expect_open_after_fault(void)
{
	expect(!readable(NOWHERE));
	expect(open(1));
}

void test_fault(void)
{
	void *mapped = kmap_local_page(page);

	expect_open_after_fault();
	local_irq_disable();
	expect_open_after_fault();
	local_irq_enable();
	kunmap_local(mapped);
	expect(closed());
}

/*
 * Somebody else has written to the register: the fault that comes of it writes it again, and is
 * no stray access.
 */
void test_lost_register(void)
{
	long before = stray_accesses();
	void *mapped = kmap_local_page(page);

	preempt_disable();
	wrmsr(MSR_IA32_PKRS, PKRS_CLOSED, 0);
	stray();	/* which it is not */
	expect(open(1));
	preempt_enable();
	kunmap_local(mapped);
	expect(register_closed());
	expect(stray_accesses() == before);
}

/*
 * Opening and closing take several steps: register, its cached value, the thread's
 * state.  An exception between any two of them has to find the page closed, and must
 * not disturb them.  First a debug exception comes after each instruction.
 */
static bool stepping;
static unsigned int steps, steps_open, steps_broken;

/* Where there was a step: in the kernel's functions, that is, and not in this module. */
static unsigned long visited[MOST_STEPS];
static unsigned int visits;

static void look(void)
{
	steps++;
	if (!closed())
		steps_open++;
	if (!own_bracket_works())
		steps_broken++;
}

/*
 * Nothing but the functions that open and close: a debug kernel's way to them leads through
 * others that the handling of a probe takes, too.
 */
static void visit(unsigned long at)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, at);
	if (strstarts(name, "__pgmap_set_") && visits < MOST_STEPS)
		visited[visits++] = at;
}

static int on_step(struct notifier_block *unused, unsigned long event, void *data)
{
	const struct die_args *args = data;

	if (event != DIE_DEBUG || !stepping)
		return NOTIFY_DONE;
	look();
	visit(args->regs->ip);
	return NOTIFY_STOP;
}

static struct notifier_block step_notifier = {
	.notifier_call = on_step,
	.priority = INT_MAX,
};

static noinline void begin_steps(void)
{
	steps = 0;
	steps_open = 0;
	steps_broken = 0;
	stepping = true;
	asm volatile("pushf; orq %0, (%%rsp); popf" : : "i" (X86_EFLAGS_TF) : "memory", "cc");
}

static noinline void end_steps(void)
{
	asm volatile("pushf; andq %0, (%%rsp); popf" : : "i" (~X86_EFLAGS_TF) : "memory", "cc");
	stepping = false;
}

static void expect_steps(unsigned int least)
{
	expect(steps >= least);
	expect(!steps_open);
	expect(!steps_broken);
}

void test_steps(void)
{
	void *mapped;

	visits = 0;
	register_die_notifier(&step_notifier);
	preempt_disable();
	begin_steps();
	mapped = kmap_local_page(page);
	end_steps();
	expect_steps(SOME_STEPS);
	expect(readable(mapped) && open(1));

	begin_steps();
	kunmap_local(mapped);
	end_steps();
	expect_steps(SOME_STEPS);
	expect(closed());
	preempt_enable();
	unregister_die_notifier(&step_notifier);
}

/*
 * The return from each of these exceptions puts in order what it came upon, and the
 * next one finds that.  So now one exception alone, at each of the same places.
 */
static int on_probe(struct kprobe *unused, struct pt_regs *regs)
{
	if (stepping)
		look();
	return 0;
}

/* With one, a probe is an exception and is not made a jump. */
static void after_probe(struct kprobe *unused, struct pt_regs *regs, unsigned long flags)
{
}

static bool probe(unsigned long at)
{
	struct kprobe one = {
		.addr = (kprobe_opcode_t *)at,
		.pre_handler = on_probe,
		.post_handler = after_probe,
	};
	void *mapped;

	if (register_kprobe(&one))
		return false;
	/* Where a function is traced, a probe is a call, with the caller's rights. */
	if (kprobe_ftrace(&one)) {
		unregister_kprobe(&one);
		return false;
	}
	steps = 0;
	steps_open = 0;
	steps_broken = 0;
	preempt_disable();
	stepping = true;
	mapped = kmap_local_page(page);
	stepping = false;
	expect(readable(mapped) && open(1));
	stepping = true;
	kunmap_local(mapped);
	stepping = false;
	preempt_enable();
	unregister_kprobe(&one);
	return true;
}

void test_single_exceptions(void)
{
	unsigned int i, probed = 0;

	expect(visits >= SOME_STEPS && visits < MOST_STEPS);
	for (i = 0; i < visits; i++) {
		if (!probe(visited[i]))
			continue;
		probed++;
		expect_steps(1);
		expect(closed());
	}
	expect(probed >= SOME_STEPS);
}
