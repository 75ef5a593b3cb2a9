// SPDX-License-Identifier: GPL-2.0-only
/*
 * cases.c - the table of what can be measured; a new case is a new row
 */
#include <linux/kernel.h>

#include "case.h"
#include "kernel_path.h"
#include "model.h"
#include "msr.h"

KB_BODY(kb_body_empty, {})

/* This kernel's own path on a page of memory; further fields may follow. */
#define KERNEL_DRAM(body_name, ...)					\
	.body = body_name,						\
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

/* A form of the patched path, in one of its states. */
#define MODEL(form, state, touch, ...)					\
	.body = kb_body_##form##_##touch,				\
	.setup = kb_model_setup_##state,				\
	.teardown = kb_model_teardown,					\
	.enter = kb_model_enter,					\
	.map = kb_##form##_map,						\
	.unmap = kb_##form##_unmap, __VA_ARGS__

#define PROTECTED .needs_pks = true, .guarded = true

#define MODEL_TOUCH(path, form, touched)				\
	{								\
		.name = path "/dram/" #touched,				\
		.what = #form " path, key on, a page of memory, " #touched, \
		MODEL(form, dram, touched)				\
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
		MODEL(form, key_off, none, .everyday = true)		\
	},								\
	{								\
		.name = path "/dram",					\
		.what = #form " path, key on, a page of memory",	\
		MODEL(form, dram, none, .everyday = true)		\
	},								\
	{								\
		.name = path "/devmap",					\
		.what = #form " path, key on, an unprotected device page", \
		MODEL(form, devmap, none, .everyday = true)		\
	},								\
	{								\
		.name = path "/protected",				\
		.what = #form " path, key on, a protected page, outermost", \
		MODEL(form, protected, none, PROTECTED, .everyday = true) \
	},								\
	{								\
		.name = path "/protected_nested",			\
		.what = #form " path, key on, a protected page that is open already", \
		MODEL(form, protected, none, PROTECTED, .depth = 1, .everyday = true) \
	},								\
	MODEL_NESTED(path, form, 3)					\
	MODEL_NESTED(path, form, 4)					\
	KB_EACH_ACCESS(MODEL_TOUCH, path, form)

const struct kb_case kb_cases[] = {
	{
		.name = "empty",
		.what = "the loop that every case runs in, with nothing in it",
		.body = kb_body_empty,
		.everyday = true,
	},
	{
		.name = "kernel/kmap_local/dram",
		.what = "kmap_local_page + kunmap_local of this kernel, a page of memory",
		KERNEL_DRAM(kb_body_kernel_kmap_local_none, .everyday = true)
	},
	KB_EACH_ACCESS(KERNEL_TOUCH, "kernel/kmap_local")
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
	MODEL_STATES("model/kmap_local", published)
	MODEL_STATES("model/kmap_local_slim", slim)
	{
		.name = "msr/wrpkrs/toggle",
		.what = "WRMSR IA32_PKRS twice, open and close, each with a new value",
		.body = kb_body_wrpkrs_toggle,
		.needs_pks = true,
		.everyday = true,
	},
	{
		.name = "msr/wrpkrs/same",
		.what = "WRMSR IA32_PKRS with the value that is there already",
		.body = kb_body_wrpkrs_same,
		.needs_pks = true,
	},
	{
		.name = "msr/wrpkrs/skipped",
		.what = "the same behind the path's test against the cached value: no write",
		.body = kb_body_wrpkrs_skipped,
		.enter = kb_model_enter,
		.needs_pks = true,
	},
	{
		.name = "msr/rdpkrs",
		.what = "RDMSR IA32_PKRS",
		.body = kb_body_rdpkrs,
		.needs_pks = true,
	},
	{
		.name = "msr/wrpkru/toggle",
		.what = "WRPKRU twice, user space's register: close and put back",
		.body = kb_body_wrpkru_toggle,
		.enter = kb_msr_enter_pkru,
		.needs_pku = true,
	},
	{
		.name = "msr/rdpkru",
		.what = "RDPKRU",
		.body = kb_body_rdpkru,
		.needs_pku = true,
	},
};

const u32 kb_case_count = ARRAY_SIZE(kb_cases);
