// SPDX-License-Identifier: GPL-2.0-only
/*
 * The msr/ cases: reads and writes of the registers alone
 */
#include "model.h"
#include "msr.h"

/* Opens KB_KEY and closes it: two writes, each with a new value. */
KB_BODY(kb_body_wrpkrs_toggle, {
	kb_write_pkrs(KB_PKRS_OPEN);
	kb_write_pkrs(KB_PKRS_CLOSED);
})

/*
 * The same with a read of the page that the key is on in between, and the second
 * write waiting for it (measuring rule 2: WRMSR to IA32_PKRS is not serialising).
 */
KB_BODY(kb_body_wrpkrs_latency, {
	u32 zero;

	kb_write_pkrs(KB_PKRS_OPEN);
	zero = READ_ONCE(*(u32 *)ctx->expected);
	kb_write_pkrs(KB_PKRS_CLOSED + zero);
})

/* WRMSRNS: the write that never serialises, whatever the register. */
static __always_inline void kb_write_pkrs_ns(u32 value)
{
	asm volatile(".byte 0x0f, 0x01, 0xc6"
		     : : "c"(KB_MSR_IA32_PKRS), "a"(value), "d"(0) : "memory");
}

KB_BODY(kb_body_wrmsrns_toggle, {
	kb_write_pkrs_ns(KB_PKRS_OPEN);
	kb_write_pkrs_ns(KB_PKRS_CLOSED);
})

KB_BODY(kb_body_wrmsrns_latency, {
	u32 zero;

	kb_write_pkrs_ns(KB_PKRS_OPEN);
	zero = READ_ONCE(*(u32 *)ctx->expected);
	kb_write_pkrs_ns(KB_PKRS_CLOSED + zero);
})

/* Writes the value that is there already. */
KB_BODY(kb_body_wrpkrs_same, {
	kb_write_pkrs(KB_PKRS_CLOSED);
})

/* The same behind the test that the path makes: never writes. */
KB_BODY(kb_body_wrpkrs_skipped, {
	if (this_cpu_read(kb_model_pkrs_cache) != KB_PKRS_CLOSED)
		kb_write_pkrs(KB_PKRS_CLOSED);
})

KB_BODY(kb_body_rdpkrs, {
	u64 pkrs = __rdmsr(KB_MSR_IA32_PKRS);

	KB_OPAQUE(pkrs);
})

/* ECX must be 0 for both, and EDX for the write. */
static __always_inline u32 kb_read_pkru(void)
{
	u32 pkru, high;

	asm volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
	return pkru;
}

static __always_inline void kb_write_pkru(u32 pkru)
{
	asm volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
}

/* User space's register, closed and put back; no user page is touched meanwhile. */
KB_BODY(kb_body_wrpkru_toggle, {
	u32 pkru = ctx->pkru;

	kb_write_pkru(pkru ^ KB_PKRS_AD(KB_KEY));
	kb_write_pkru(pkru);
})

KB_BODY(kb_body_rdpkru, {
	u32 pkru = kb_read_pkru();

	KB_OPAQUE(pkru);
})

/*
 * Where there is no PKS: a write of the value that another register holds anyway. The
 * list is fixed, and neither is written with another value than its own.
 */
KB_BODY(kb_body_mock_spec_ctrl, {
	native_wrmsr(MSR_IA32_SPEC_CTRL, ctx->stand_in, ctx->stand_in >> 32);
})

KB_BODY(kb_body_mock_tsc_aux, {
	native_wrmsr(MSR_TSC_AUX, ctx->stand_in, ctx->stand_in >> 32);
})

const char *kb_msr_refuse_wrmsrns(void)
{
	u32 eax, ebx, ecx, edx;

	if (boot_cpu_data.cpuid_level >= 7 && cpuid_eax(7) >= 1) {
		cpuid_count(7, 1, &eax, &ebx, &ecx, &edx);
		if (eax & BIT(19))
			return NULL;
	}
	return "this CPU has no WRMSRNS";
}

void kb_msr_enter_spec_ctrl(struct kb_ctx *ctx)
{
	ctx->stand_in = __rdmsr(MSR_IA32_SPEC_CTRL);
}

void kb_msr_enter_tsc_aux(struct kb_ctx *ctx)
{
	ctx->stand_in = __rdmsr(MSR_TSC_AUX);
}

static const char *kb_msr_refuse_stand_in(bool available)
{
	if (kb_pks_cpu())
		return "a stand-in for CPUs without PKS; this one has it";
	return available ? NULL : "this CPU does not have the register that would stand in";
}

const char *kb_msr_refuse_spec_ctrl(void)
{
	return kb_msr_refuse_stand_in(boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL));
}

const char *kb_msr_refuse_tsc_aux(void)
{
	return kb_msr_refuse_stand_in(boot_cpu_has(X86_FEATURE_RDTSCP));
}

void kb_msr_enter_pkru(struct kb_ctx *ctx)
{
	ctx->pkru = kb_read_pkru();
}
