"""The one base of every model that crosses a boundary."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A plain value. Unknown fields are refused, so that no misspelt field is ever lost in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)
