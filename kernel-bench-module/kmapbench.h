/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The ABI of /dev/kmapbench, shared by kmapbench.ko and kmap_bench
 *
 * Three calls: INFO says what this module and CPU can do, CASE names case i,
 * RUN measures one case.  All fields are fixed-width; all reserved fields must
 * be zero.  KMAPBENCH_ABI changes whenever a layout here does.
 */
#ifndef KMAPBENCH_H
#define KMAPBENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KMAPBENCH_ABI			5
#define KMAPBENCH_DEVICE		"/dev/kmapbench"

#define KMAPBENCH_NAME_BYTES		64
#define KMAPBENCH_TEXT_BYTES		128

/* Limits of one RUN: far above what a record needs, far below what hurts. */
#define KMAPBENCH_MAX_OPS		1048576u
#define KMAPBENCH_MAX_SAMPLES		65536u

/* Longest time a RUN keeps interrupts off, for one sample. */
#define KMAPBENCH_MAX_IRQS_OFF_NS	100000u

/* kmapbench_info.features */
#define KMAPBENCH_CPU_HAS_PKS		0x1u	/* CPUID.(7,0):ECX[31] */
#define KMAPBENCH_KERNEL_USES_PKS	0x2u	/* CR4.PKS was set before us */
#define KMAPBENCH_COUNTS_SMI		0x4u	/* MSR_SMI_COUNT is there */
#define KMAPBENCH_COUNTS_FREQUENCY	0x8u	/* IA32_APERF and IA32_MPERF are */
#define KMAPBENCH_LOOPS_HAVE_ENDBR	0x10u	/* KB_LOOP_INSTRUCTIONS_WITH_ENDBR (loop.h) */

struct kmapbench_info {
	__u32 abi;		/* KMAPBENCH_ABI of the module */
	__u32 case_count;	/* CASE and RUN take 0 .. case_count - 1 */
	__u32 features;
	__u32 tsc_khz;		/* of the clock that samples are counted in */
	__u64 reserved[4];
};

enum kmapbench_irq_policy {
	KMAPBENCH_IRQS_OFF = 0,		/* interrupts off around each sample */
	KMAPBENCH_PREEMPT_OFF = 1,	/* preemption off, interrupts as they come */
	KMAPBENCH_IRQS_ON = 2,		/* both on */
	KMAPBENCH_IRQ_POLICIES		/* how many there are */
};

/*
 * In what the windows of a RUN are counted: ticks of the TSC or, around the same code, a perf
 * event of the CPU.  A RUN is skipped where nothing counts it.
 */
enum kmapbench_clock {
	KMAPBENCH_TSC = 0,
	KMAPBENCH_CPU_CLOCK = 1,	/* ns of the kernel's own clock; on every machine */
	KMAPBENCH_CYCLES = 2,		/* core cycles, by the PMU */
	KMAPBENCH_INSTRUCTIONS = 3,	/* instructions that retired, by the PMU */
	KMAPBENCH_CLOCKS		/* how many there are */
};

/* kmapbench_case_desc.flags */
#define KMAPBENCH_CASE_DEFAULT		0x1u	/* one of the telling few */
#define KMAPBENCH_CASE_DEVMAP_PAGE	0x2u	/* user_page: a page of a DAX file */
#define KMAPBENCH_CASE_DEVMAP_TAIL	0x4u	/* user_page: a tail of a huge device page */
#define KMAPBENCH_CASE_STAND_IN		0x8u	/* another register in place of IA32_PKRS */
#define KMAPBENCH_CASE_SWITCHES		0x10u	/* perf events of the caller would be in it */
#define KMAPBENCH_CASE_VARIES		0x20u	/* operations differ in what they take */
#define KMAPBENCH_CASE_NMIS		0x40u	/* a PMU in use would be in it */

struct kmapbench_case_desc {
	__u32 index;		/* in */
	__u32 flags;
	__u32 irq_policies;	/* bit 1 << p: RUN takes policy p */
	/*
	 * Of a control, 0 of all other cases: the instructions of an operation, and how many
	 * of them are adds that wait for each other, one a core cycle.
	 */
	__u32 known;
	__u32 known_adds;
	__u32 reserved;
	char name[KMAPBENCH_NAME_BYTES];
	char what[KMAPBENCH_TEXT_BYTES];
};

/*
 * One sample: the same code timed over ops and over 2 * ops operations, in ticks
 * of the run's clock, with the empty loop timed the same way right beside it.  The cost of
 * an operation is a slope, (case_2n - case_n) / ops, so that whatever a
 * measurement costs once (fences, the call, the clock itself) cancels.  shifted is
 * the same code KMAPBENCH_SHIFT_BYTES further on: where it takes another time, the
 * alignment is in the figure.  The chain is KMAPBENCH_CHAIN_ADDS and twice as many
 * dependent adds, one a core cycle: it tells how many ticks a core cycle takes at
 * that moment.
 */
#define KMAPBENCH_CHAIN_ADDS		512
#define KMAPBENCH_SHIFT_BYTES		16

struct kmapbench_sample {
	__u64 empty_n;
	__u64 empty_2n;
	__u64 case_n;
	__u64 case_2n;
	__u64 shifted_n;
	__u64 shifted_2n;
	__u64 chain_n;
	__u64 chain_2n;
};

enum kmapbench_status {
	KMAPBENCH_OK = 0,
	KMAPBENCH_SKIPPED = 1,	/* not possible here; reason says why */
	KMAPBENCH_FLAGGED = 2,	/* measured, but not to be trusted; reason */
};

enum kmapbench_oracle {
	KMAPBENCH_ORACLE_NONE = 0,	/* the case protects nothing */
	KMAPBENCH_ORACLE_HELD = 1,
	KMAPBENCH_ORACLE_FAILED = 2,
};

/* Why a sample was thrown away and taken again: never for its value. */
enum kmapbench_cause {
	KMAPBENCH_CAUSE_INTERRUPT = 0,
	KMAPBENCH_CAUSE_NMI = 1,
	KMAPBENCH_CAUSE_SMI = 2,	/* where KMAPBENCH_COUNTS_SMI */
	KMAPBENCH_CAUSE_MIGRATION = 3,	/* not on the CPU of the first sample */
	KMAPBENCH_CAUSE_PREEMPTION = 4,
	KMAPBENCH_CAUSE_FREQUENCY = 5,	/* where KMAPBENCH_COUNTS_FREQUENCY */
	KMAPBENCH_CAUSES
};

struct kmapbench_run {
	__u32 index;		/* in: case */
	__u32 ops;		/* in: operations a sample, 1 .. MAX_OPS */
	__u32 samples;		/* in: 1 .. MAX_SAMPLES */
	__u32 irq_policy;	/* in: enum kmapbench_irq_policy, one of the case's */
	__u64 buffer;		/* in: user address of samples * struct kmapbench_sample */
	__u64 user_page;	/* in: user address in the page that a devmap case maps; 0: none */

	__u32 status;		/* out: enum kmapbench_status */
	__u32 oracle;		/* out: enum kmapbench_oracle */
	__u32 cpu;		/* out: where it ran */
	__u32 taken;		/* out: samples in the buffer; fewer than asked for are flagged */
	/*
	 * out: index, counted since the module was loaded, of the first timed
	 * window of the first sample in the buffer; windows follow in the order of
	 * its fields.  An observer outside the guest, who sees the marker
	 * instructions around each window, can tell by it which is which.
	 */
	__u64 first_window;
	/* out: error code of the oracle's page fault on the closed page, 0: none seen */
	__u64 oracle_error_code;
	__u64 section_ticks;	/* out: TSC ticks of the samples: windows and around them */
	__u64 run_ticks;	/* out: of the call, but for copying this structure */
	__u32 rejected[KMAPBENCH_CAUSES];	/* out: by enum kmapbench_cause */
	__u32 pages;		/* out: how many the case went round */
	__u32 clock;		/* in: enum kmapbench_clock */
	char reason[KMAPBENCH_TEXT_BYTES];
};

#define KMAPBENCH_IOC_INFO	_IOR('k', 0xb0, struct kmapbench_info)
#define KMAPBENCH_IOC_CASE	_IOWR('k', 0xb1, struct kmapbench_case_desc)
#define KMAPBENCH_IOC_RUN	_IOWR('k', 0xb2, struct kmapbench_run)

#endif /* KMAPBENCH_H */
