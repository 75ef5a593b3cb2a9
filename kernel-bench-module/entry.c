// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raises an interrupt, an NMI, an INT3 and a fault on the running CPU, one an operation,
 * with handlers that do nothing: what is timed is the kernel's way to them and back
 */
#include <linux/irq_work.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/objtool.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/nmi.h>

#include "devmap.h"
#include "entry.h"

/* Where nothing is ever mapped. */
#define KB_NOWHERE	((u64 *)(VMALLOC_END + 1))

#define KB_NAME		"kmapbench"

static int kb_elsewhere_setup(struct kb_ctx *ctx)
{
	return ctx->depth ? kb_devmap_setup_any(ctx) : 0;
}

void kb_elsewhere_teardown(struct kb_ctx *ctx)
{
	if (ctx->depth)
		kb_devmap_teardown(ctx);
}

static void kb_on_irq(struct irq_work *unused)
{
}

/* Hard: in the interrupt itself, on a real-time kernel, too. */
static struct irq_work work = IRQ_WORK_INIT_HARD(kb_on_irq);

/* The interrupt comes at once, or as soon as the local APIC has got round to it. */
KB_BODY(kb_body_elsewhere_irq, {
	irq_work_queue(&work);
	while (irq_work_is_busy(&work))
		cpu_relax();
})

int kb_elsewhere_setup_irq(struct kb_ctx *ctx)
{
	return kb_elsewhere_setup(ctx);
}

/* The CPU on which we have raised one that is not handled yet, or -1.  RUN is exclusive. */
static int nmi_cpu = -1;

/*
 * Looks at it, at most, until it counts as lost: some hypervisors and APIC drivers send none, and
 * nobody else gets the CPU meanwhile.  None once one was lost.
 */
#define KB_NMI_LOOKS	1000000u
static u32 nmi_looks;

/* Others' NMIs, and those of other CPUs, are others' to handle: it may be about their hardware. */
static int kb_on_nmi(unsigned int type, struct pt_regs *regs)
{
	if (READ_ONCE(nmi_cpu) != raw_smp_processor_id())
		return NMI_DONE;
	WRITE_ONCE(nmi_cpu, -1);
	return NMI_HANDLED;
}

KB_BODY(kb_body_elsewhere_nmi, {
	int cpu = raw_smp_processor_id();
	u32 looks = nmi_looks;

	WRITE_ONCE(nmi_cpu, cpu);
	apic->send_IPI(cpu, NMI_VECTOR);
	while (READ_ONCE(nmi_cpu) >= 0 && looks--)
		cpu_relax();
	if (READ_ONCE(nmi_cpu) >= 0)
		nmi_looks = 0;
})

int kb_elsewhere_setup_nmi(struct kb_ctx *ctx)
{
	int err = kb_elsewhere_setup(ctx);

	if (err)
		return err;
	nmi_looks = KB_NMI_LOOKS;
	err = register_nmi_handler(NMI_LOCAL, kb_on_nmi, 0, KB_NAME);
	if (err)
		kb_elsewhere_teardown(ctx);
	return err;
}

void kb_elsewhere_teardown_nmi(struct kb_ctx *ctx)
{
	unregister_nmi_handler(NMI_LOCAL, KB_NAME);
	WRITE_ONCE(nmi_cpu, -1);
	if (!nmi_looks)
		kb_flag(ctx->run, "an NMI that was raised here did not come");
	kb_elsewhere_teardown(ctx);
}

/* A function of its own: one INT3, whose address the handler knows. */
extern const char kb_after_int3[];

static noinline void kb_int3(void)
{
	asm volatile("int3; kb_after_int3:\n\t" ANNOTATE_NOENDBR : : : "memory");
}

static int kb_on_die(struct notifier_block *unused, unsigned long event, void *data)
{
	const struct die_args *args = data;

	if (event != DIE_INT3 || args->regs->ip != (unsigned long)kb_after_int3)
		return NOTIFY_DONE;
	return NOTIFY_STOP;
}

static struct notifier_block die_notifier = {
	.notifier_call = kb_on_die,
	.priority = INT_MAX,
};

KB_BODY(kb_body_elsewhere_int3, {
	kb_int3();
})

int kb_elsewhere_setup_int3(struct kb_ctx *ctx)
{
	int err = kb_elsewhere_setup(ctx);

	if (err)
		return err;
	err = register_die_notifier(&die_notifier);
	if (err)
		kb_elsewhere_teardown(ctx);
	return err;
}

void kb_elsewhere_teardown_int3(struct kb_ctx *ctx)
{
	unregister_die_notifier(&die_notifier);
	kb_elsewhere_teardown(ctx);
}

/*
 * The access is the kernel's own: one of the module's would be looked up in the tree of
 * modules, too, whose shape differs from boot to boot.
 */
KB_BODY(kb_body_elsewhere_fault, {
	u64 value;

	copy_from_kernel_nofault(&value, KB_NOWHERE, sizeof(value));
})

int kb_elsewhere_setup_fault(struct kb_ctx *ctx)
{
	return kb_elsewhere_setup(ctx);
}
