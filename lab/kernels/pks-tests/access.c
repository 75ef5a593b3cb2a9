// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the running context can do with the page, without an oops where it cannot
 */
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/msr.h>
#include <asm/pks_types.h>
#include "pks_test.h"

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
	u64 value;

	rdmsrl(MSR_IA32_PKRS, value);
	return value;
}

static unsigned int depth(void)
{
	return current->thread.pks.depth;
}

bool closed(void)
{
	return !readable(address) && pkrs() == PKRS_CLOSED && depth() == 0;
}

bool open(unsigned int brackets)
{
	return readable(address) && pkrs() == PKRS_OPEN && depth() == brackets;
}

bool own_bracket_works(void)
{
	void *mapped = kmap_local_page(page);
	bool opened = readable(mapped) && open(1);

	kunmap_local(mapped);
	return opened && closed();
}
