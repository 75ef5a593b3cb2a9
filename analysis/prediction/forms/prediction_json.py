# SPDX-License-Identifier: Apache-2.0
"""A prediction as JSON, for programs."""

import json
from dataclasses import asdict

from analysis.prediction import prediction_words as words
from analysis.prediction.predicted_cycles import LARGEST_ERROR, PUBLISHED_WRITE, Prediction


def export(prediction: Prediction) -> str:
    """All figures; cycles of a case are without its writes, each of which takes W more."""
    value = {
        "what": words.title(prediction),
        "fit": prediction.is_fit,
        "fitness": words.fitness(prediction),
        "largest_error_allowed": LARGEST_ERROR,
        "published_write_cycles": PUBLISHED_WRITE,
        "llvm": prediction.llvm,
        "machine": prediction.machine,
        "here": prediction.here,
        "same": prediction.same,
        "load": prediction.load,
        "predicted": [asdict(one) for one in prediction.cases],
        "models": [asdict(one) | {"error": one.error} for one in prediction.errors],
        "unmeasured_models": prediction.unmeasured,
        "refused_models": [asdict(one) for one in prediction.refused_models],
    }
    return json.dumps(value, indent=1) + "\n"
