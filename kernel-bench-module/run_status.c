// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a run ended, where it gives no figure, or one that is not to be trusted
 */
#include <linux/string.h>

#include "case.h"

static void kb_end_as(struct kmapbench_run *run, enum kmapbench_status status, const char *reason)
{
	run->status = status;
	strscpy(run->reason, reason, sizeof(run->reason));
}

void kb_flag(struct kmapbench_run *run, const char *reason)
{
	kb_end_as(run, KMAPBENCH_FLAGGED, reason);
}

int kb_skip(struct kb_ctx *ctx, const char *reason)
{
	kb_end_as(ctx->run, KMAPBENCH_SKIPPED, reason);
	return KB_SKIP;
}
