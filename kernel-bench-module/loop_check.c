// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks, when the module is loaded, at the loops that its compiler has made of loop.h
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "case.h"
#include "loop.h"
#include "loop_check.h"

/* Where kb_loops ends: this file is linked last. */
asm(".pushsection kb_loops, \"a\"\n"
	".globl kb_loops_end\n"
	"kb_loops_end:\n"
	".popsection");

static bool has_endbr;

bool kb_loop_has_endbr(void)
{
	return has_endbr;
}

/* The body that an address lies in: the last one that begins before it. */
static kb_body_t kb_loop_body_of(const unsigned char *address)
{
	unsigned long found = 0;
	u32 i;

	for (i = 0; i < kb_case_count; i++) {
		unsigned long aligned = (unsigned long)kb_cases[i].body.aligned;
		unsigned long shifted = (unsigned long)kb_cases[i].body.shifted;

		if (aligned <= (unsigned long)address)
			found = max(found, aligned);
		if (shifted <= (unsigned long)address)
			found = max(found, shifted);
	}
	return (kb_body_t)found;
}

/* owners: of each entry of kb_loops the body that it lies in. */
static int kb_loop_check_body(kb_body_t body, const kb_body_t *owners, u32 count)
{
	u32 i, loops = 0;

	for (i = 0; i < count; i++) {
		const unsigned char *jump = kb_loop_jump(&kb_loops_begin[i]);

		if (owners[i] != body)
			continue;
		if (!kb_loop_goes_back(jump, (const unsigned char *)body)) {
			pr_err("%ps: its loop does not end in \"sub $1; jne\" back into it, but in %*ph\n",
			       body, KB_LOOP_BYTES, jump - KB_LOOP_SUB_BYTES);
			return -ENOEXEC;
		}
		if (kb_loop_begins_with_endbr(jump) != has_endbr) {
			pr_err("%ps: a round of its loop begins %s ENDBR64, unlike the others'\n",
			       body, has_endbr ? "without" : "with");
			return -ENOEXEC;
		}
		loops++;
	}
	if (loops == 1)
		return 0;
	pr_err("%ps: has %u ends of a loop, not 1: this compiler has changed the loop\n", body,
	       loops);
	return -ENOEXEC;
}

int kb_loop_check(void)
{
	u32 i, count = kb_loops_end - kb_loops_begin;
	kb_body_t *owners = kmalloc_array(count, sizeof(*owners), GFP_KERNEL);
	int err = 0;

	if (!owners)
		return -ENOMEM;
	has_endbr = count && kb_loop_begins_with_endbr(kb_loop_jump(kb_loops_begin));
	for (i = 0; i < count; i++)
		owners[i] = kb_loop_body_of(kb_loop_jump(&kb_loops_begin[i]));
	for (i = 0; i < kb_case_count && !err; i++) {
		err = kb_loop_check_body(kb_cases[i].body.aligned, owners, count);
		if (!err)
			err = kb_loop_check_body(kb_cases[i].body.shifted, owners, count);
	}
	kfree(owners);
	return err;
}
