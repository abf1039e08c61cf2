"""What all models have in common. A client goes on working with a later server, whose answers have more."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, WrapValidator


def _or_newer(value: object, known: ValidatorFunctionWrapHandler) -> Any:
    try:
        return known(value)
    except ValidationError:
        if isinstance(value, str):
            return value
        raise


# Accepts a value that the list of known ones does not have yet.
NEWER = WrapValidator(_or_newer)


class Model(BaseModel):
    """An object of the API. Fields that this version does not know are kept."""

    model_config = ConfigDict(
        extra="allow",
        # Most programs meet few of the models, and a command one or two.
        defer_build=True,
        alias_generator=lambda name: name.removesuffix("_"),
        validate_by_name=True,
        protected_namespaces=(),
    )


def wire(model: Model) -> dict[str, Any]:
    """The object as it came or goes over the wire: without the fields that are not given."""
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)
