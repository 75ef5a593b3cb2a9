// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows that the protection is real: a closed page faults for its key,
 * an open one does not, and it is closed again afterwards.  A patched kernel may let the
 * access through after the fault (memremap.pks_fault_mode=relaxed)
 *
 * The fault's error code comes from the page_fault_kernel tracepoint, which the
 * kernel fires before it handles the fault; the fault itself is caught by the
 * exception table.  Kernels without PKS run a WARN_ON_ONCE first (do_kern_addr_fault,
 * arch/x86/mm/fault.c), which is why kb_oracle_refusal() exists.
 */
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>
#include <asm/setup.h>
#include <asm/trap_pf.h>

#include "case.h"
#include "oracle.h"

static struct tracepoint *fault_tracepoint;

/* What the tracepoint saw at the watched address. */
static struct {
	unsigned long address;
	unsigned long error_code;
	u32 faults;
} watch;

static void kb_oracle_on_fault(void *data, unsigned long address, struct pt_regs *regs,
			       unsigned long error_code)
{
	/* nobody else has this address, so a fault on it is ours */
	if (address != READ_ONCE(watch.address))
		return;
	watch.error_code = error_code;
	watch.faults++;
}

static void kb_oracle_find(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "page_fault_kernel"))
		*(struct tracepoint **)found = tp;
}

void kb_oracle_init(void)
{
	for_each_kernel_tracepoint(kb_oracle_find, &fault_tracepoint);
}

enum kb_access { KB_READ, KB_WRITE };

/*
 * True where the access went through; else watch says how it faulted.  A write writes
 * what the last read found: the data may be a ring's.
 */
static bool kb_oracle_access(u64 *addr, enum kb_access access)
{
	static u64 value;

	watch.error_code = 0;
	watch.faults = 0;
	WRITE_ONCE(watch.address, (unsigned long)addr);
	barrier();
	if (access == KB_READ)
		__get_kernel_nofault(&value, addr, u64, fault);
	else
		__put_kernel_nofault(addr, &value, u64, fault);
	WRITE_ONCE(watch.address, 0);
	return true;
fault:
	WRITE_ONCE(watch.address, 0);
	return false;
}

/*
 * A bracket around nothing.  A patched kernel that is not strict opens a page to who has
 * touched it closed, until the next bracket ends.
 */
static void kb_oracle_close(const struct kb_case *c, struct kb_ctx *ctx)
{
	kb_enter(c, ctx);
	c->unmap(ctx, c->map(ctx));
	kb_leave(c, ctx);
}

static const char *kb_oracle_closed(const struct kb_case *c, struct kb_ctx *ctx,
				    const char *not_closed)
{
	enum kb_access access;
	bool through;

	for (access = KB_READ; access <= KB_WRITE; access++) {
		through = kb_oracle_access(ctx->expected, access);
		if (through && !watch.faults)
			return not_closed;
		if (watch.faults != 1)
			return "the closed page faulted, but the tracepoint did not see it once";
		if (!(watch.error_code & X86_PF_PK))
			return "the closed page faulted, but not for its key";
		ctx->run->oracle_error_code = watch.error_code;
		if (through)
			kb_oracle_close(c, ctx);
	}
	return NULL;
}

static const char *kb_oracle_open(u64 *addr)
{
	if (!kb_oracle_access(addr, KB_READ) || !kb_oracle_access(addr, KB_WRITE))
		return "the open page faulted";
	return NULL;
}

/* Preemption off, PKS on, KB_KEY closed. */
static const char *kb_oracle_sequence(const struct kb_case *c, struct kb_ctx *ctx)
{
	const char *failure, *open;
	void *addr;

	failure = kb_oracle_closed(c, ctx, "the page was not closed before the map");
	if (failure)
		return failure;

	kb_enter(c, ctx);
	addr = c->map(ctx);
	open = kb_oracle_open(addr);
	c->unmap(ctx, addr);
	kb_leave(c, ctx);
	if (open)
		return open;

	return kb_oracle_closed(c, ctx, "the page was not closed after the unmap");
}

int kb_oracle_check(const struct kb_case *c, struct kb_ctx *ctx)
{
	struct kmapbench_run *run = ctx->run;
	const char *failure;
	int err;

	err = tracepoint_probe_register(fault_tracepoint, kb_oracle_on_fault, NULL);
	if (err)
		return err;

	/* Interrupts stay on: a first fault prints its warning in here. */
	preempt_disable();
	kb_pks_enter(&ctx->pks);
	failure = kb_oracle_sequence(c, ctx);
	kb_pks_leave(&ctx->pks);
	preempt_enable();

	tracepoint_probe_unregister(fault_tracepoint, kb_oracle_on_fault, NULL);
	tracepoint_synchronize_unregister();

	if (failure) {
		run->oracle = KMAPBENCH_ORACLE_FAILED;
		strscpy(run->reason, failure, sizeof(run->reason));
	} else if (run->oracle == KMAPBENCH_ORACLE_NONE) {
		run->oracle = KMAPBENCH_ORACLE_HELD;
	}
	return 0;
}

/* Reads the start of a small text file into @text; -errno, or the length. */
static ssize_t kb_read_text(const char *path, char *text, size_t size)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	loff_t pos = 0;
	ssize_t length;

	if (IS_ERR(file))
		return PTR_ERR(file);
	length = kernel_read(file, text, size - 1, &pos);
	filp_close(file, NULL);
	text[max_t(ssize_t, length, 0)] = '\0';
	return length;
}

static int kb_read_number(const char *path, unsigned long *value)
{
	char text[24];
	ssize_t length = kb_read_text(path, text, sizeof(text));

	return length < 0 ? length : kstrtoul(strim(text), 0, value);
}

const char *kb_oracle_refusal(void)
{
	unsigned long panic_on_warn, warn_limit, warn_count;
	static char cmdline[COMMAND_LINE_SIZE];	/* RUN is exclusive */

	if (!fault_tracepoint)
		return "this kernel has no page_fault_kernel tracepoint, so no fault can be proved";
	if (kb_pks_kernel())
		return NULL;	/* handles key faults without a warning */

	if (kb_read_number("/proc/sys/kernel/panic_on_warn", &panic_on_warn))
		return "cannot read /proc/sys/kernel/panic_on_warn, and the oracle's fault warns";
	if (panic_on_warn)
		return "panic_on_warn is set: the oracle's fault would panic this machine";
	/* Linux 6.2 and later; panics at the warning that reaches it */
	if (kb_read_number("/proc/sys/kernel/warn_limit", &warn_limit))
		warn_limit = 0;
	if (kb_read_number("/sys/kernel/warn_count", &warn_count))
		warn_count = warn_limit;
	if (warn_limit && warn_count + 1 >= warn_limit)
		return "kernel.warn_limit: the oracle's fault would reach it and panic the machine";
	if (kb_read_text("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return "cannot read /proc/cmdline, and the oracle's fault taints";
	if (strstr(cmdline, "panic_on_taint="))
		return "panic_on_taint is set: the oracle's fault could panic this machine";
	return NULL;
}
