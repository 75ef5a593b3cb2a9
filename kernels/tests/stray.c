// SPDX-License-Identifier: GPL-2.0-only
/*
 * Relaxed mode: a stray access is let pass, and counted, and opens to who made it
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/vmalloc.h>
#include <asm/pks_types.h>
#include "pks_test.h"

#define STORM	1000
#define OTHER_KEY	(PKS_KEY_PGMAP + 1)

/* Of accesses so far, as user space can read it. */
static long faults(void)
{
	char text[24] = "";
	loff_t position = 0;
	long value = -1;
	struct file *file = filp_open("/sys/module/memremap/parameters/pks_faults", O_RDONLY, 0);

	if (IS_ERR(file))
		return -1;
	if (kernel_read(file, text, sizeof(text) - 1, &position) <= 0 ||
	    kstrtol(strim(text), 10, &value))
		value = -1;
	filp_close(file, NULL);
	return value;
}

static void own_bracket(void)
{
	kunmap_local(kmap_local_page(page));
}

/* The first test of its set: what warns once warns here. */
void test_stray_opens(void)
{
	long before = faults();

	expect(before >= 0);
	expect(register_closed());
	stray();
	expect(faults() == before + 1);
	expect(open(0));
	stray();
	expect(faults() == before + 1);
	own_bracket();
	expect(register_closed());
	expect(faults() == before + 1);
}

/* What would be an error return in strict mode is the data here. */
void test_stray_before_fixup(void)
{
	long before = faults();

	expect(readable(address));
	expect(faults() == before + 1);
	expect(writable(address));
	expect(faults() == before + 1);
	own_bracket();
	expect(register_closed());
}

/* The interrupted thread has not strayed, and gains nothing. */
static bool handler_opened;

static void on_interrupt(struct irq_work *unused)
{
	stray();
	handler_opened = open(0);
}

void test_stray_in_interrupt(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(on_interrupt);
	long before = faults();

	handler_opened = false;
	irq_work_queue(&work);
	irq_work_sync(&work);
	expect(handler_opened);
	expect(register_closed());
	expect(faults() == before + 1);
}

/* Relaxed mode is for pagemaps: memory of somebody else's key stays closed, and is no stray. */
void test_other_key(void)
{
	pgprot_t closed_by_other = __pgprot(pgprot_val(PAGE_KERNEL) | (u64)OTHER_KEY << PKEY_SHIFT);
	struct page *other = alloc_page(GFP_KERNEL);
	void *mapped = other ? vmap(&other, 1, VM_MAP, closed_by_other) : NULL;
	long before = faults();

	expect(mapped);
	if (mapped) {
		expect(!readable(mapped) && !writable(mapped));
		expect(faults() == before);
		expect(register_closed());
		vunmap(mapped);
	}
	if (other)
		__free_page(other);
}

void test_stray_storm(void)
{
	long before = faults();
	int i;

	for (i = 0; i < STORM; i++) {
		stray();
		own_bracket();
	}
	expect(faults() == before + STORM);
	expect(register_closed());
}

void test_stray_child(void)
{
	expect(child_is_closed(stray, own_bracket));
	expect(register_closed());
}
