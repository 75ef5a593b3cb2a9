/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The loop of every body: of the kernel cases, of the user models, of the empty one
 *
 * The cost of an operation is the difference between two loops, so both must be the same
 * loop.  A compiler changes loops: gcc from 13 on unrolls short ones, and the empty loop
 * then has one instruction less than the others.  So the end of this loop is assembly:
 *
 *	sub	$1, %rbx
 *	jne	head
 *
 * A compiler can still copy these lines, which is what unrolling does, or put something
 * between them.  So each copy notes its address in the section kb_loops, and
 * kb_loop_goes_back() looks at the bytes.  The module refuses to load, and the program to
 * start, unless each of its bodies has exactly one such end that jumps back into the body.
 *
 * Nor may a compiler move out of the loop what a single operation pays each time.  So a
 * round begins with assembly that says of every register that it changes it, of the
 * operands of the operation, too: there is none that a value could be kept in from one
 * round to the next, and what is kept in memory has to be loaded, which counts.
 */
#ifndef KMAPBENCH_LOOP_H
#define KMAPBENCH_LOOP_H

#ifdef __KERNEL__
#include <linux/objtool.h>
#include <linux/types.h>
/* For objtool: this address is in a table, and yet nobody calls it. */
#define KB_LOOP_NOT_CALLED	ANNOTATE_NOENDBR "\n\t"
#else
#include <stdint.h>
#define KB_LOOP_NOT_CALLED	""
#endif

/* Of kb_loops: how far the jump is from the entry itself, in bytes. */
struct kb_loop_entry {
	int jump;
};

/* "?" puts the entry into the group of its function: a linker that drops one drops both. */
#define KB_LOOP_JUMP							\
	KB_LOOP_NOT_CALLED						\
	"771: jne %l[kb_loop_head]\n\t"					\
	".pushsection kb_loops, \"a?\"\n\t"				\
	".balign 4\n\t"							\
	".long 771b - .\n\t"						\
	".popsection"

/*
 * Registers that a round finds changed: all but rsp, the counter's and the operands'.  rbp
 * only where it is not the frame's.
 */
#if defined(CONFIG_FRAME_POINTER) || defined(__SANITIZE_ADDRESS__) || \
	defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define KB_LOOP_CHANGED							\
	"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory"
#else
#define KB_LOOP_CHANGED							\
	"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "rbp", "cc", "memory"
#endif

/*
 * What a round begins with: KB_LOOP_ON_n() of the n variables that the operation works on.
 * They are in registers that calls preserve.
 */
#define KB_LOOP_ON_0()							\
	asm volatile("" : : : "r12", "r13", "r14", "r15", KB_LOOP_CHANGED)

#define KB_LOOP_ON_1(a)							\
	do {								\
		register __typeof__(a) kb_loop_a asm("r12") = (a);	\
									\
		asm volatile("" : "+r"(kb_loop_a)			\
			     : : "r13", "r14", "r15", KB_LOOP_CHANGED);	\
		(a) = kb_loop_a;					\
	} while (0)

#define KB_LOOP_ON_2(a, b)						\
	do {								\
		register __typeof__(a) kb_loop_a asm("r12") = (a);	\
		register __typeof__(b) kb_loop_b asm("r13") = (b);	\
									\
		asm volatile("" : "+r"(kb_loop_a), "+r"(kb_loop_b)	\
			     : : "r14", "r15", KB_LOOP_CHANGED);	\
		(a) = kb_loop_a;					\
		(b) = kb_loop_b;					\
	} while (0)

#define KB_LOOP_ON_3(a, b, c)						\
	do {								\
		register __typeof__(a) kb_loop_a asm("r12") = (a);	\
		register __typeof__(b) kb_loop_b asm("r13") = (b);	\
		register __typeof__(c) kb_loop_c asm("r14") = (c);	\
									\
		asm volatile("" : "+r"(kb_loop_a), "+r"(kb_loop_b), "+r"(kb_loop_c) \
			     : : "r15", KB_LOOP_CHANGED);		\
		(a) = kb_loop_a;					\
		(b) = kb_loop_b;					\
		(c) = kb_loop_c;					\
	} while (0)

#define KB_LOOP_ON_4(a, b, c, d)					\
	do {								\
		register __typeof__(a) kb_loop_a asm("r12") = (a);	\
		register __typeof__(b) kb_loop_b asm("r13") = (b);	\
		register __typeof__(c) kb_loop_c asm("r14") = (c);	\
		register __typeof__(d) kb_loop_d asm("r15") = (d);	\
									\
		asm volatile("" : "+r"(kb_loop_a), "+r"(kb_loop_b),	\
			     "+r"(kb_loop_c), "+r"(kb_loop_d) : : KB_LOOP_CHANGED); \
		(a) = kb_loop_a;					\
		(b) = kb_loop_b;					\
		(c) = kb_loop_c;					\
		(d) = kb_loop_d;					\
	} while (0)

/*
 * Does an operation (what follows round) times as often, at least once.  Once a function.
 * round: a KB_LOOP_ON_n().
 *
 * The counter has a register of its own that calls preserve: left to themselves both
 * compilers move it to another one and back in bodies with a call.
 */
#define KB_LOOP(times, round, ...)					\
	do {								\
		__label__ kb_loop_head;					\
		register uint64_t kb_loop_left asm("rbx") = (times);	\
									\
kb_loop_head:								\
		round;							\
		{ __VA_ARGS__; }					\
		asm volatile("sub $1, %0"				\
			     : "+r"(kb_loop_left) : : "cc", "memory");	\
		asm goto(KB_LOOP_JUMP : : : "cc", "memory" : kb_loop_head); \
	} while (0)

/*
 * Instructions of a round of the empty loop.  For a CPU with IBT clang lets each label that
 * assembly may jump to begin with ENDBR64: then a round of each body has one more.
 */
#define KB_LOOP_INSTRUCTIONS		2
#define KB_LOOP_INSTRUCTIONS_WITH_ENDBR	3

#define KB_LOOP_SUB_BYTES	4
#define KB_LOOP_BYTES		10	/* with the longer of the two forms of the jump */

/* The jump that an entry is about. */
static inline const unsigned char *kb_loop_jump(const struct kb_loop_entry *entry)
{
	return (const unsigned char *)entry + entry->jump;
}

/* Where a jump leads; NULL: it is no jne. */
static inline const unsigned char *kb_loop_target(const unsigned char *jump)
{
	if (jump[0] == 0x75)			/* jne rel8 */
		return jump + 2 + (signed char)jump[1];
	if (jump[0] == 0x0f && jump[1] == 0x85)	/* jne rel32 */
		return jump + 6 + (int32_t)(jump[2] | jump[3] << 8 | jump[4] << 16 |
					    (uint32_t)jump[5] << 24);
	return 0;
}

/*
 * Whether a round begins with ENDBR64, or with what the kernel writes in its place where
 * nobody may come (gen_endbr_poison()): one instruction, too.
 */
static inline int kb_loop_begins_with_endbr(const unsigned char *jump)
{
	const unsigned char *head = kb_loop_target(jump);

	if (!head)
		return 0;
	return (head[0] == 0xf3 && head[1] == 0x0f && head[2] == 0x1e && head[3] == 0xfa) ||
	       (head[0] == 0x66 && head[1] == 0x0f && head[2] == 0x1f && head[3] == 0x00);
}

/* Whether a jump and what stands before it end a loop of the body that begins at begin. */
static inline int kb_loop_goes_back(const unsigned char *jump, const unsigned char *begin)
{
	const unsigned char *sub = jump - KB_LOOP_SUB_BYTES, *target = kb_loop_target(jump);

	if (sub < begin)
		return 0;
	/* sub $1, %rbx: REX.W 83 /5 ib (Intel SDM vol. 2) */
	if (sub[0] != 0x48 || sub[1] != 0x83 || sub[2] != 0xeb || sub[3] != 1)
		return 0;
	return target && target >= begin && target <= sub;
}

#endif /* KMAPBENCH_LOOP_H */
