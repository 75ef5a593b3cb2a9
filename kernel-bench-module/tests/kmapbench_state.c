// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests: what kmapbench.ko has to leave as it found it
 *
 * /proc/kmapbench_state is one JSON object: CR4 and IA32_PKRS of each CPU, and how many
 * leaf entries of the kernel's page tables carry a protection key.  It shares no code
 * with the module it watches.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#if __has_include("asm/cpuid/api.h")
#include <asm/cpuid/api.h>
#endif

#define MSR_PKRS	0x6e1
#define CPUID_7_ECX_PKS	BIT(31)
#define KEY_MASK	(0xfULL << 59)

static u64 keyed_leaves;

struct cpu_state {
	unsigned long cr4;
	u64 pkrs;
};

static void read_cpu(void *data)
{
	struct cpu_state *state = data;

	state->cr4 = __read_cr4();
	state->pkrs = 0;
	if (cpuid_ecx(7) & CPUID_7_ECX_PKS)
		state->pkrs = __rdmsr(MSR_PKRS);
}

static void count_leaf(u64 entry)
{
	if ((entry & _PAGE_PRESENT) && (entry & KEY_MASK))
		keyed_leaves++;
}

static void walk_pmd(pud_t *pud)
{
	pmd_t *pmd = pmd_offset(pud, 0);
	pte_t *pte;
	int i, j;

	for (i = 0; i < PTRS_PER_PMD; i++, pmd++) {
		if (!(pmd_val(*pmd) & _PAGE_PRESENT))
			continue;
		if (pmd_val(*pmd) & _PAGE_PSE) {
			count_leaf(pmd_val(*pmd));
			continue;
		}
		pte = pte_offset_kernel(pmd, 0);
		for (j = 0; j < PTRS_PER_PTE; j++, pte++)
			count_leaf(pte_val(*pte));
	}
}

static void walk_p4d(p4d_t *p4d)
{
	pud_t *pud = pud_offset(p4d, 0);
	int i;

	for (i = 0; i < PTRS_PER_PUD; i++, pud++) {
		if (!(pud_val(*pud) & _PAGE_PRESENT))
			continue;
		if (pud_val(*pud) & _PAGE_PSE)
			count_leaf(pud_val(*pud));
		else
			walk_pmd(pud);
		cond_resched();
	}
}

static void walk_kernel_half(void)
{
	pgd_t *pgd = __va(read_cr3_pa());
	p4d_t *p4d;
	int i, j;

	keyed_leaves = 0;
	for (i = PTRS_PER_PGD / 2; i < PTRS_PER_PGD; i++) {
		if (!(pgd_val(pgd[i]) & _PAGE_PRESENT))
			continue;
		p4d = p4d_offset(&pgd[i], 0);
		for (j = 0; j < PTRS_PER_P4D; j++, p4d++)
			if (p4d_val(*p4d) & _PAGE_PRESENT)
				walk_p4d(p4d);
	}
}

static int show(struct seq_file *out, void *unused)
{
	struct cpu_state state;
	const char *separator = "";
	int cpu;

	walk_kernel_half();
	seq_printf(out, "{\"keyed_leaves\": %llu, \"cpus\": [", keyed_leaves);
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, read_cpu, &state, 1);
		seq_printf(out, "%s{\"cpu\": %d, \"cr4\": %lu, \"pkrs\": %llu}", separator, cpu,
			   state.cr4, state.pkrs);
		separator = ", ";
	}
	seq_puts(out, "]}\n");
	return 0;
}

static int __init state_init(void)
{
	return proc_create_single("kmapbench_state", 0400, NULL, show) ? 0 : -ENOMEM;
}

static void __exit state_exit(void)
{
	remove_proc_entry("kmapbench_state", NULL);
}

module_init(state_init);
module_exit(state_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("For tests: CR4, IA32_PKRS and keyed page table entries");
