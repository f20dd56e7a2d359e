"""What is fit by its description is not refused for its shape, though it may be for what it says."""

import schemathesis
from schemathesis import GenerationMode


@schemathesis.check
def fit_bodies_are_understood(ctx, response, case):
    mode = case.meta.generation.mode if case.meta else None
    if mode == GenerationMode.POSITIVE and response.status_code == 422:
        code = response.json().get("code")
        assert code != "invalid_body", f"a body that fits the description is not understood: {response.text}"
