// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the running context can do with the page, without an oops where it cannot
 */
#include <linux/kprobes.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/msr.h>
#include <asm/pks_types.h>
#include "pks_test.h"

#define PKEY_MASK	15

static ulong cache;
module_param(cache, ulong, 0);
MODULE_PARM_DESC(cache, "offset of the kernel's pkrs_open in the data of a CPU; 0: it is not looked at");

noinline bool readable(const void *from)
{
	unsigned long value;

	__get_kernel_nofault(&value, from, unsigned long, fault);
	return true;
fault:
	return false;
}

noinline bool writable(void *to)
{
	unsigned long value = 0x1234;

	__put_kernel_nofault(to, &value, unsigned long, fault);
	return true;
fault:
	return false;
}

static u64 pkrs(void)
{
	return __rdmsr(MSR_IA32_PKRS);
}

static unsigned int depth(void)
{
	return pks_depth(current->thread.pks);
}

bool register_closed(void)
{
	return pkrs() == PKRS_CLOSED && current->thread.pks == 0;
}

/* The cached value is one of the CPU's, which is looked at with the register. */
bool agrees(unsigned int brackets)
{
	u32 __percpu *cached = (u32 __percpu *)cache;
	bool same;

	preempt_disable();
	same = depth() == brackets && pkrs() == (brackets ? PKRS_OPEN : PKRS_CLOSED);
	if (cache)
		same &= *this_cpu_ptr(cached) == !!brackets;
	preempt_enable();
	return same;
}

bool closed(void)
{
	return !readable(address) && register_closed();
}

bool open(unsigned int brackets)
{
	return readable(address) && pkrs() == PKRS_OPEN && depth() == brackets;
}

void stray(void)
{
	READ_ONCE(*(unsigned long *)address);
}

bool own_bracket_works(void)
{
	void *mapped = kmap_local_page(page);
	bool opened = readable(mapped) && open(1);

	kunmap_local(mapped);
	return opened && closed();
}

void *find_function(const char *name)
{
	struct kprobe probe = { .symbol_name = name };

	if (register_kprobe(&probe))
		return NULL;
	unregister_kprobe(&probe);
	return probe.addr;
}

static pte_t *leaf_of(const void *at, unsigned int *level)
{
	return lookup_address((unsigned long)at, level);
}

bool has_key(const void *at)
{
	unsigned int level;
	pte_t *leaf = leaf_of(at, &level);

	return leaf && ((pte_val(*leaf) >> PKEY_SHIFT) & PKEY_MASK) == PKS_KEY_PGMAP;
}

unsigned int level_of(const void *at)
{
	unsigned int level;

	leaf_of(at, &level);
	return level;
}
