/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KMAPBENCH_MSR_H
#define KMAPBENCH_MSR_H

#include "case.h"

KB_DECLARE(kb_body_wrpkrs_toggle)
KB_DECLARE(kb_body_wrpkrs_latency)
KB_DECLARE(kb_body_wrmsrns_toggle)
KB_DECLARE(kb_body_wrmsrns_latency)
KB_DECLARE(kb_body_wrpkrs_same)
KB_DECLARE(kb_body_wrpkrs_skipped)
KB_DECLARE(kb_body_rdpkrs)
KB_DECLARE(kb_body_wrpkru_toggle)
KB_DECLARE(kb_body_rdpkru)
KB_DECLARE(kb_body_mock_spec_ctrl)
KB_DECLARE(kb_body_mock_tsc_aux)

/* Reads the value that the WRPKRU case toggles and puts back. */
void kb_msr_enter_pkru(struct kb_ctx *ctx);

/* Why WRMSRNS cannot be executed here, or NULL. */
const char *kb_msr_refuse_wrmsrns(void);

/* Stand-ins: the value to be written back, and why there is none here. */
void kb_msr_enter_spec_ctrl(struct kb_ctx *ctx);
void kb_msr_enter_tsc_aux(struct kb_ctx *ctx);
const char *kb_msr_refuse_spec_ctrl(void);
const char *kb_msr_refuse_tsc_aux(void);

#endif /* KMAPBENCH_MSR_H */
