"""Validation errors as sentences a user can act on: where, which setting, what was found, what is wanted."""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sim.settings.problems import Document, Keys, Place, Problem, did_you_mean, shown

_EXPECTED = {
    "string_type": "text (put a number in quotes to make it text)",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a group of settings ('key: value' lines indented below it)",
    "model_attributes_type": "a group of settings ('key: value' lines indented below it)",
    "dict_type": "a group of settings ('key: value' lines indented below it)",
}


def check[M: BaseModel](model: type[M], document: Document, name: str) -> tuple[M | None, list[Problem]]:
    """Validate plain data against a model and gather every problem, those of the text included.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        What the data should be.
    document : Document
        Data with places, from ``reader``.
    name : str
        File named when nothing more precise is known.

    Returns
    -------
    settings : model or None
        None when there is any problem.
    problems : list of Problem
        In the order of the text.
    """
    problems = list(document.problems)
    if document.data is None and problems:
        return None, problems
    top = document.places.get((), Place(name, 1, 1))
    if document.data is None:
        return None, [Problem(top, (), "the file is empty: it needs at least the required settings")]
    if not isinstance(document.data, dict):
        return None, [*problems, Problem(top, (), f"expected 'key: value' lines, got {shown(document.data)}")]
    spoiled = {problem.keys for problem in problems if problem.keys}
    try:
        settings = model.model_validate(document.data)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            problem = _problem(model, document, top, details)
            follows = any(problem.keys[: len(keys)] == keys for keys in spoiled)
            could_be_extended = details["type"] == "missing" and ("extends",) in spoiled
            if not (follows or could_be_extended):
                problems.append(problem)
        return None, sorted(problems, key=lambda p: p.place)
    return (None if problems else settings), problems


def _problem(model: type[BaseModel], document: Document, top: Place, details: Any) -> Problem:
    keys = _without_tags(document.data, details["loc"], missing=details["type"] == "missing")
    keys += tuple(details.get("ctx", {}).get("at", ()))
    if details["type"] == "union_tag_invalid":
        keys += (str(details["ctx"]["discriminator"]).strip("'"),)
    return Problem(document.place_of(keys, top), keys, _sentence(model, document.data, keys, details))


def _without_tags(data: Any, loc: tuple[str | int, ...], missing: bool) -> Keys:
    """Drop from a location the union tags that pydantic puts in and the file has not."""
    keys: list[str | int] = []
    for i, part in enumerate(loc):
        known = range(len(data)) if isinstance(data, list) else data if isinstance(data, dict) else ()
        if part in known:
            data = data[part]
        elif not (missing and i == len(loc) - 1):
            continue
        keys.append(part)
    return tuple(keys)


def _sentence(model: type[BaseModel], data: Any, keys: Keys, details: Any) -> str:
    kind, context, found = details["type"], details.get("ctx", {}), details["input"]
    if kind == "cross_field":
        return str(context["sentence"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        return _unknown(model, data, keys)
    if kind == "missing":
        return f"missing: add '{keys[-1]}: ...'"
    if kind == "union_tag_not_found":
        return "missing kind: add 'kind: ...' to say what this is"
    if kind in ("literal_error", "union_tag_invalid"):
        return _not_among(found, context)
    if kind == "string_pattern_mismatch":
        return f"{shown(found)} is no usable name: use lower-case letters, digits and _, a letter or digit first"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {shown(found)}"
    return f"{details['msg'][0].lower()}{details['msg'][1:]}, got {shown(found)}"


def _not_among(found: Any, context: Any) -> str:
    names = str(context.get("expected") or context.get("expected_tags"))
    word = context.get("tag", found)
    known = [name.strip(" '") for part in names.split(",") for name in part.split(" or ")]
    hint = did_you_mean(word, known) if isinstance(word, str) else ""
    return f"expected {' or '.join(repr(name) for name in known)}, got {shown(word)}{hint}"


def _unknown(model: type[BaseModel], data: Any, keys: Keys) -> str:
    models: list[type[BaseModel]] = [model]
    for key in keys[:-1]:
        data = data[key]
        if isinstance(key, str):
            models = [
                inner for m in models if key in m.model_fields for inner in _models_in(m.model_fields[key].annotation)
            ]
        if isinstance(data, dict) and "kind" in data and len(models) > 1:
            models = [m for m in models if data["kind"] in get_args(m.model_fields["kind"].annotation)] or models
    word = str(keys[-1])
    hint = did_you_mean(word, [name for m in models for name in m.model_fields])
    if not hint:
        elsewhere = [path for path in field_paths(model) if path.rsplit(".", 1)[-1] == word]
        hint = f"; did you mean {elsewhere[0]!r}?" if elsewhere else ""
    return f"unknown key {shown(word)}{hint}"


def field_paths(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Every setting of a model by its dotted path, without entries of lists.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        A settings model.
    prefix : str
        Put before each path.

    Returns
    -------
    list of str
        Such as "market.price", in the order of declaration.
    """
    paths = []
    for name, info in model.model_fields.items():
        paths.append(f"{prefix}{name}")
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            paths += field_paths(info.annotation, f"{prefix}{name}.")
    return paths


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
