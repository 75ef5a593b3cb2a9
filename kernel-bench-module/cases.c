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

const struct kb_case kb_cases[] = {
	{
		.name = "empty",
		.what = "the loop that every case runs in, with nothing in it",
		.body = kb_body_empty,
	},
	{
		.name = "kernel/kmap_local/dram",
		.what = "kmap_local_page + kunmap_local of this kernel, a page of memory",
		.body = kb_body_kernel_kmap_local,
		.setup = kb_kernel_setup_dram,
		.teardown = kb_kernel_teardown_dram,
		.map = kb_kernel_map,
		.unmap = kb_kernel_unmap,
	},
	{
		.name = "model/kmap_local/key_off",
		.what = "patched path as published, static key off",
		.body = kb_body_published,
		.setup = kb_model_setup_key_off,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_published_map,
		.unmap = kb_published_unmap,
	},
	{
		.name = "model/kmap_local/dram",
		.what = "patched path as published, key on, a page of memory",
		.body = kb_body_published,
		.setup = kb_model_setup_dram,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_published_map,
		.unmap = kb_published_unmap,
	},
	{
		.name = "model/kmap_local/devmap",
		.what = "patched path as published, key on, an unprotected device page",
		.body = kb_body_published,
		.setup = kb_model_setup_devmap,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_published_map,
		.unmap = kb_published_unmap,
	},
	{
		.name = "model/kmap_local/protected",
		.what = "patched path as published, key on, a protected page, outermost",
		.body = kb_body_published,
		.setup = kb_model_setup_protected,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_published_map,
		.unmap = kb_published_unmap,
		.needs_pks = true,
		.guarded = true,
	},
	{
		.name = "model/kmap_local/protected_nested",
		.what = "patched path as published, key on, a protected page that is open already",
		.body = kb_body_published,
		.setup = kb_model_setup_protected,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_published_map,
		.unmap = kb_published_unmap,
		.needs_pks = true,
		.guarded = true,
		.depth = 1,
	},
	{
		.name = "model/kmap_local_slim/key_off",
		.what = "the shorter path, static key off",
		.body = kb_body_slim,
		.setup = kb_model_setup_key_off,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_slim_map,
		.unmap = kb_slim_unmap,
	},
	{
		.name = "model/kmap_local_slim/dram",
		.what = "the shorter path, key on, a page of memory",
		.body = kb_body_slim,
		.setup = kb_model_setup_dram,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_slim_map,
		.unmap = kb_slim_unmap,
	},
	{
		.name = "model/kmap_local_slim/devmap",
		.what = "the shorter path, key on, an unprotected device page",
		.body = kb_body_slim,
		.setup = kb_model_setup_devmap,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_slim_map,
		.unmap = kb_slim_unmap,
	},
	{
		.name = "model/kmap_local_slim/protected",
		.what = "the shorter path, key on, a protected page, outermost",
		.body = kb_body_slim,
		.setup = kb_model_setup_protected,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_slim_map,
		.unmap = kb_slim_unmap,
		.needs_pks = true,
		.guarded = true,
	},
	{
		.name = "model/kmap_local_slim/protected_nested",
		.what = "the shorter path, key on, a protected page that is open already",
		.body = kb_body_slim,
		.setup = kb_model_setup_protected,
		.teardown = kb_model_teardown,
		.enter = kb_model_enter,
		.map = kb_slim_map,
		.unmap = kb_slim_unmap,
		.needs_pks = true,
		.guarded = true,
		.depth = 1,
	},
	{
		.name = "msr/wrpkrs/toggle",
		.what = "WRMSR IA32_PKRS twice, open and close, each with a new value",
		.body = kb_body_wrpkrs_toggle,
		.needs_pks = true,
	},
};

const u32 kb_case_count = ARRAY_SIZE(kb_cases);
