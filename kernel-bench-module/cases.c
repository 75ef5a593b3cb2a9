// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of what can be measured; a new case is a new row
 */
#include <linux/kernel.h>
#include <linux/objtool.h>
#include <asm/asm.h>

#include "case.h"
#include "devmap.h"
#include "entry.h"
#include "kernel_path.h"
#include "model.h"
#include "msr.h"

KB_BODY(kb_body_empty, {})

/*
 * Controls: the length of an operation is known, as all of it is assembly without an operand.
 * Adds that wait for each other; and the same behind a call, which goes back by the stack
 * pointer alone, since what a return executes is the kernel's choice.
 */
#define KB_CONTROL_ADDS(count)	".rept " #count "\n\tadd %%rax, %%rax\n\t.endr\n\t"

/* For objtool: the call is within this function. */
#if defined(ANNOTYPE_INTRA_FUNCTION_CALL)
#define KB_INTRA_FUNCTION_CALL	ASM_ANNOTATE(ANNOTYPE_INTRA_FUNCTION_CALL) "\n\t"
#else
#define KB_INTRA_FUNCTION_CALL						\
	"773: .pushsection .discard.intra_function_calls\n\t"		\
	".long 773b\n\t"						\
	".popsection\n\t"
#endif

#define KB_CONTROL_CALL		KB_INTRA_FUNCTION_CALL "call 772f\n\t772: add $8, %%rsp\n\t"
#define KB_CONTROL_CALL_LENGTH	2

#define KB_CONTROL_BODIES(count)					\
	KB_DECLARE(kb_body_control_adds##count)				\
	KB_DECLARE(kb_body_control_adds##count##_call)			\
	KB_BODY(kb_body_control_adds##count, {				\
		asm volatile(KB_CONTROL_ADDS(count) : : : "rax", "cc");	\
	})								\
	KB_BODY(kb_body_control_adds##count##_call, {			\
		asm volatile(KB_CONTROL_CALL KB_CONTROL_ADDS(count)	\
			     : ASM_CALL_CONSTRAINT : : "rax", "cc", "memory"); \
	})

KB_CONTROL_BODIES(13)
KB_CONTROL_BODIES(100)

#define CONTROLS(count)							\
	{								\
		.name = "control/adds" #count,				\
		.what = #count " adds that wait for each other",	\
		.body = KB_BODY_OF(kb_body_control_adds##count),	\
		.known = (count),					\
		.known_adds = (count),					\
	},								\
	{								\
		.name = "control/adds" #count "_call",			\
		.what = "a call, and " #count " adds that wait for each other", \
		.body = KB_BODY_OF(kb_body_control_adds##count##_call),	\
		.known = (count) + KB_CONTROL_CALL_LENGTH,		\
		.known_adds = (count),					\
	},

#define PROTECTED .needs_pks = true, .needs_protection_check = true

/* This kernel's own path on a page of memory; further fields may follow. */
#define KERNEL_DRAM(body_name, ...)					\
	.body = KB_BODY_OF(body_name),					\
	.setup = kb_kernel_setup_dram,					\
	.teardown = kb_kernel_teardown_dram,				\
	.map = kb_kernel_map,						\
	.unmap = kb_kernel_unmap, __VA_ARGS__

#define KERNEL_TOUCH(path, touched)					\
	{								\
		.name = path "/dram/" #touched,				\
		.what = "kmap_local_page + kunmap_local, a page of memory, " #touched, \
		KERNEL_DRAM(kb_body_kernel_kmap_local_##touched)	\
	},

#define KERNEL_DEVMAP(touched, ...)					\
	.body = KB_BODY_OF(kb_body_kernel_kmap_local_##touched),	\
	.setup = kb_devmap_setup_page,					\
	.teardown = kb_devmap_teardown,					\
	.map = kb_kernel_map,						\
	.unmap = kb_kernel_unmap,					\
	.needs_page = KMAPBENCH_CASE_DEVMAP_PAGE, __VA_ARGS__

#define KERNEL_DEVMAP_TOUCH(path, touched)				\
	{								\
		.name = path "/devmap/" #touched,			\
		.what = "kmap_local_page + kunmap_local, a page of a DAX file, " #touched, \
		KERNEL_DEVMAP(touched)					\
	},

#define KERNEL_PROTECTED(touched, ...)					\
	.body = KB_BODY_OF(kb_body_kernel_kmap_local_##touched),	\
	.setup = kb_devmap_setup_protected,				\
	.teardown = kb_devmap_teardown,					\
	.map = kb_kernel_map,						\
	.unmap = kb_kernel_unmap,					\
	.skip_reason = kb_devmap_refuse_protected,			\
	.needs_page = KMAPBENCH_CASE_DEVMAP_PAGE, PROTECTED, __VA_ARGS__

#define KERNEL_PROTECTED_TOUCH(path, touched)				\
	{								\
		.name = path "/protected/" #touched,			\
		.what = "kmap_local_page + kunmap_local, a protected page of a file, " #touched, \
		KERNEL_PROTECTED(touched)				\
	},

#define KERNEL_SET(path, order, pages, label)				\
	{								\
		.name = path "/dram/" #order "/" label,		\
		.what = "kmap_local_page + kunmap_local, memory, " #order ", working set " label, \
		KERNEL_DRAM(kb_body_kernel_kmap_local_##order, .set = KB_SET_##pages) \
	},

/* A form of the patched path, in one of its states. */
#define MODEL(form, state, touch, ...)					\
	.body = KB_BODY_OF(kb_body_##form##_##touch),			\
	.setup = kb_model_setup_##state,				\
	.teardown = kb_model_teardown,					\
	.enter = kb_model_enter,					\
	.map = kb_##form##_map,						\
	.unmap = kb_##form##_unmap, __VA_ARGS__

/* The same on the kernel's own pages: their descriptors, its address bases. */
#define MODEL_KERNEL(form, state, touch, ...)				\
	.body = KB_BODY_OF(kb_body_##form##_##touch),			\
	.setup = kb_model_setup_kernel_##state,				\
	.enter = kb_model_enter,					\
	.map = kb_##form##_map,						\
	.unmap = kb_##form##_unmap, __VA_ARGS__

#define MODEL_DEVMAP(form, state, wanted)				\
	MODEL_KERNEL(form, state, none,					\
		     .teardown = kb_model_teardown_kernel_devmap,	\
		     .needs_page = KMAPBENCH_CASE_DEVMAP_##wanted)

#define MODEL_SET(path, form, order, pages, label)			\
	{								\
		.name = path "/dram/" #order "/" label,		\
		.what = #form " path, key on, pages of memory, " #order ", working set " label, \
		MODEL_KERNEL(form, dram, order, .set = KB_SET_##pages,	\
			     .teardown = kb_model_teardown_kernel_dram)	\
	},								\
	{								\
		.name = path "/protected/" #order "/" label,		\
		.what = #form " path, key on, protected pages, " #order ", working set " label, \
		MODEL(form, protected, order, PROTECTED, .set = KB_SET_##pages) \
	},

#define MODEL_TOUCH(path, form, touched)				\
	{								\
		.name = path "/dram/" #touched,				\
		.what = #form " path, key on, a page of memory, " #touched, \
		MODEL(form, dram, touched)				\
	},								\
	{								\
		.name = path "/devmap/" #touched,			\
		.what = #form " path, key on, an unprotected device page, " #touched, \
		MODEL(form, devmap, touched)				\
	},								\
	{								\
		.name = path "/protected/" #touched,			\
		.what = #form " path, key on, a protected page, outermost, " #touched, \
		MODEL(form, protected, touched, PROTECTED)		\
	},

#define MODEL_NESTED(path, form, nest)					\
	{								\
		.name = path "/protected_nested/depth" #nest,		\
		.what = #form " path, key on, a protected page, nest depth " #nest, \
		MODEL(form, protected, none, PROTECTED, .depth = (nest) - 1) \
	},

#define MODEL_STATES(path, form)					\
	{								\
		.name = path "/key_off",				\
		.what = #form " path, static key off",			\
		MODEL(form, key_off, none, .in_default_set = true)	\
	},								\
	{								\
		.name = path "/dram",					\
		.what = #form " path, key on, a page of memory",	\
		MODEL(form, dram, none, .in_default_set = true)		\
	},								\
	{								\
		.name = path "/devmap",					\
		.what = #form " path, key on, an unprotected device page", \
		MODEL(form, devmap, none, .in_default_set = true)	\
	},								\
	{								\
		.name = path "/protected",				\
		.what = #form " path, key on, a protected page, outermost", \
		MODEL(form, protected, none, PROTECTED, .in_default_set = true) \
	},								\
	{								\
		.name = path "/protected_nested",			\
		.what = #form " path, key on, a protected page that is open already", \
		MODEL(form, protected, none, PROTECTED, .depth = 1, .in_default_set = true) \
	},								\
	MODEL_NESTED(path, form, 3)					\
	MODEL_NESTED(path, form, 4)					\
	KB_EACH_ACCESS(MODEL_TOUCH, path, form)				\
	KB_EACH_SET(MODEL_SET, path, form)				\
	{								\
		.name = path "/devmap_file",				\
		.what = #form " path, key on, a page of a DAX file, not protected", \
		MODEL_DEVMAP(form, devmap, PAGE)			\
	},

/* With a mapping held, which on a kernel that protects its page is an open bracket. */
#define HOLDS_A_MAPPING							\
	.map = kb_kernel_map,						\
	.unmap = kb_kernel_unmap,					\
	.depth = 1,							\
	.needs_page = KMAPBENCH_CASE_DEVMAP_PAGE

#define ELSEWHERE_AT(kind, where, doing, undo, ...)			\
	{								\
		.name = "elsewhere/" #kind "/" #where,			\
		.what = doing ", " #where " a bracket",		\
		.body = KB_BODY_OF(kb_body_elsewhere_##kind),		\
		.varies = true,						\
		.setup = kb_elsewhere_setup_##kind,			\
		.teardown = undo, __VA_ARGS__				\
	},

#define ELSEWHERE(kind, doing, undo, ...)				\
	ELSEWHERE_AT(kind, outside, doing, undo, __VA_ARGS__)		\
	ELSEWHERE_AT(kind, inside, doing, undo, HOLDS_A_MAPPING, __VA_ARGS__)

const struct kb_case kb_cases[] = {
	{
		.name = "empty",
		.what = "the loop that every case runs in, with nothing in it",
		.body = KB_BODY_OF(kb_body_empty),
		.in_default_set = true,
	},
	CONTROLS(13)
	CONTROLS(100)
	{
		.name = "kernel/kmap_local/dram",
		.what = "kmap_local_page + kunmap_local of this kernel, a page of memory",
		KERNEL_DRAM(kb_body_kernel_kmap_local_none, .in_default_set = true)
	},
	KB_EACH_ACCESS(KERNEL_TOUCH, "kernel/kmap_local")
	KB_EACH_SET(KERNEL_SET, "kernel/kmap_local")
	{
		.name = "kernel/kmap_local/devmap",
		.what = "kmap_local_page + kunmap_local, a page of a DAX file",
		KERNEL_DEVMAP(none, .in_default_set = true)
	},
	{
		.name = "kernel/kmap_local/devmap_nested",
		.what = "kmap_local_page + kunmap_local, a page of a DAX file, one being held",
		KERNEL_DEVMAP(none,
			      .enter = kb_devmap_hold,
			      .leave = kb_devmap_release,
			      .in_default_set = true)
	},
	KB_EACH_ACCESS(KERNEL_DEVMAP_TOUCH, "kernel/kmap_local")
	{
		.name = "kernel/kmap_local/protected",
		.what = "kmap_local_page + kunmap_local, a protected page of a DAX file, outermost",
		KERNEL_PROTECTED(none, .in_default_set = true)
	},
	{
		.name = "kernel/kmap_local/protected_nested",
		.what = "kmap_local_page + kunmap_local, a protected page that is open already",
		KERNEL_PROTECTED(none, .depth = 1, .in_default_set = true)
	},
	KB_EACH_ACCESS(KERNEL_PROTECTED_TOUCH, "kernel/kmap_local")
	{
		.name = "kernel/kmap_local/devmap_tail",
		.what = "kmap_local_page + kunmap_local, a tail page of a huge page of device-dax",
		.body = KB_BODY_OF(kb_body_kernel_kmap_local_none),
		.setup = kb_devmap_setup_tail,
		.teardown = kb_devmap_teardown,
		.map = kb_kernel_map,
		.unmap = kb_kernel_unmap,
		.needs_page = KMAPBENCH_CASE_DEVMAP_TAIL,
	},
	{
		.name = "kernel/kmap_local_folio/dram",
		.what = "kmap_local_folio + kunmap_local of this kernel, a page of memory",
		KERNEL_DRAM(kb_body_kernel_kmap_local_folio_none)
	},
	{
		.name = "kernel/kmap_atomic/dram",
		.what = "kmap_atomic + kunmap_atomic of this kernel, a page of memory",
		KERNEL_DRAM(kb_body_kernel_kmap_atomic_none)
	},
	{
		.name = "kernel/kmap_atomic/devmap",
		.what = "kmap_atomic + kunmap_atomic of this kernel, a page of a DAX file",
		.body = KB_BODY_OF(kb_body_kernel_kmap_atomic_none),
		.setup = kb_devmap_setup_page,
		.teardown = kb_devmap_teardown,
		.map = kb_kernel_map,
		.unmap = kb_kernel_unmap,
		.needs_page = KMAPBENCH_CASE_DEVMAP_PAGE,
	},
	{
		.name = "kernel/kmap/dram",
		.what = "kmap + kunmap of this kernel, a page of memory; not patched",
		KERNEL_DRAM(kb_body_kernel_kmap_none, .sleeps = true)
	},
	MODEL_STATES("model/kmap_local", published)
	MODEL_STATES("model/kmap_local_slim", slim)
	{
		.name = "model/kmap_local_slim/devmap_tail",
		.what = "slim path, key on, a tail page of a huge page of device-dax",
		MODEL_DEVMAP(slim, devmap_tail, TAIL)
	},
	{
		.name = "msr/wrpkrs/toggle",
		.what = "WRMSR IA32_PKRS twice, open and close, each with a new value",
		.body = KB_BODY_OF(kb_body_wrpkrs_toggle),
		.needs_pks = true,
		.in_default_set = true,
	},
	{
		.name = "msr/wrpkrs/latency",
		.what = "the two writes, a read of the page between, the second waiting for it",
		.body = KB_BODY_OF(kb_body_wrpkrs_latency),
		.setup = kb_model_setup_protected,
		.teardown = kb_model_teardown,
		.needs_pks = true,
	},
	{
		.name = "msr/wrmsrns/toggle",
		.what = "the same as msr/wrpkrs/toggle, by WRMSRNS",
		.body = KB_BODY_OF(kb_body_wrmsrns_toggle),
		.skip_reason = kb_msr_refuse_wrmsrns,
		.needs_pks = true,
	},
	{
		.name = "msr/wrmsrns/latency",
		.what = "the same as msr/wrpkrs/latency, by WRMSRNS",
		.body = KB_BODY_OF(kb_body_wrmsrns_latency),
		.setup = kb_model_setup_protected,
		.teardown = kb_model_teardown,
		.skip_reason = kb_msr_refuse_wrmsrns,
		.needs_pks = true,
	},
	{
		.name = "msr/wrpkrs/same",
		.what = "WRMSR IA32_PKRS with the value that is there already",
		.body = KB_BODY_OF(kb_body_wrpkrs_same),
		.needs_pks = true,
	},
	{
		.name = "msr/wrpkrs/skipped",
		.what = "the same behind the path's test against the cached value: no write",
		.body = KB_BODY_OF(kb_body_wrpkrs_skipped),
		.enter = kb_model_enter,
		.needs_pks = true,
	},
	{
		.name = "msr/rdpkrs",
		.what = "RDMSR IA32_PKRS",
		.body = KB_BODY_OF(kb_body_rdpkrs),
		.needs_pks = true,
	},
	{
		.name = "msr/wrpkru/toggle",
		.what = "WRPKRU twice, user space's register: close and put back",
		.body = KB_BODY_OF(kb_body_wrpkru_toggle),
		.enter = kb_msr_enter_pkru,
		.needs_pku = true,
	},
	{
		.name = "msr/rdpkru",
		.what = "RDPKRU",
		.body = KB_BODY_OF(kb_body_rdpkru),
		.needs_pku = true,
	},
	{
		.name = "msr/mock/spec_ctrl",
		.what = "stand-in for WRPKRS: WRMSR IA32_SPEC_CTRL, same value (not serialising)",
		.body = KB_BODY_OF(kb_body_mock_spec_ctrl),
		.enter = kb_msr_enter_spec_ctrl,
		.skip_reason = kb_msr_refuse_spec_ctrl,
		.stand_in = true,
	},
	{
		.name = "msr/mock/tsc_aux",
		.what = "stand-in for WRPKRS: WRMSR IA32_TSC_AUX, same value (serialising)",
		.body = KB_BODY_OF(kb_body_mock_tsc_aux),
		.enter = kb_msr_enter_tsc_aux,
		.skip_reason = kb_msr_refuse_tsc_aux,
		.stand_in = true,
	},
	ELSEWHERE(irq, "an interrupt, raised and handled", kb_elsewhere_teardown,
		  .event = KB_EVENT_IRQ_WORK, .in_default_set = true)
	ELSEWHERE(nmi, "an NMI, raised and handled", kb_elsewhere_teardown_nmi,
		  .event = KB_EVENT_NMI)
	ELSEWHERE(int3, "an INT3 and back", kb_elsewhere_teardown_int3, .in_default_set = false)
	ELSEWHERE(fault, "a fault that the exception table ends", kb_elsewhere_teardown,
		  .in_default_set = true)
	{
		.name = "elsewhere/switch/same",
		.what = "to another thread and back, two switches; nothing open in either",
		.body = KB_BODY_OF(kb_body_elsewhere_switch),
		.varies = true,
		.setup = kb_elsewhere_setup_switch,
		.before_sample = kb_elsewhere_settle_switch,
		.teardown = kb_elsewhere_teardown_switch,
		.event = KB_EVENT_SWITCH,
		.sleeps = true,
		.in_default_set = true,
	},
	{
		.name = "elsewhere/switch/different",
		.what = "to another thread and back, from inside a bracket to one without",
		.body = KB_BODY_OF(kb_body_elsewhere_switch),
		.varies = true,
		.setup = kb_elsewhere_setup_switch,
		.before_sample = kb_elsewhere_settle_switch,
		.teardown = kb_elsewhere_teardown_switch,
		HOLDS_A_MAPPING,
		.event = KB_EVENT_SWITCH,
		.sleeps = true,
		.in_default_set = true,
	},
};

const u32 kb_case_count = ARRAY_SIZE(kb_cases);
