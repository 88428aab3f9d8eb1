"""Where a schema refers to: drafts, `$id` bases, anchors, dynamic scope.

The question: which schema does `{"$ref": "other#/x"}` mean, and which rules read it?  A `Node` is one schema
at its place: its contents, the draft that reads it, the resolver that knows its base, a pointer for messages,
and, where it matters, its dynamic scope.  Equal places are one object, so a formula can name a schema by its
node and recursion closes on itself:

    root = Documents.load({"$defs": {"t": {"items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"})
    root.refer("$ref", "#/$defs/t")  is  root.refer(...).child("items").refer(...)

The lookup itself (pointers, bases, anchors) is the `referencing` library's.  Ours are three things:

1. The dynamic scope is kept as a map from each dynamic anchor to the outermost resource that has it.  It is
   what `$dynamicRef` may see of the path taken, so nodes that agree on it are interchangeable.  It is empty
   unless some resource on the path has a dynamic anchor.  `$recursiveAnchor` is the anchor "".
2. A document without `$schema` is read as 2020-12, and `Dialect.implied` says so: an old form met there
   (an array under `items`) is read as its own draft meant it, with a note, instead of refused.
3. Most documents refer to places in themselves, and nothing in them moves a base.  Of those `Documents.plain`
   is told what each reference means (glance.py); the library, which crawls the whole document, is not asked.

Nothing is ever fetched: what is not in the document, the supplied registry or the standard's own
metaschemas does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

import jsonschema_specifications
from referencing import Registry, Resource, Specification
from referencing import exceptions as lookup_errors
from referencing.jsonschema import (
    DRAFT4,
    DRAFT6,
    DRAFT7,
    DRAFT201909,
    DRAFT202012,
)

from constrain.arguments import as_text
from constrain.errors import SchemaError, UnsupportedKeywordError
from constrain.json_schema.data import each_value, pointer_to

Schema = Any
Environment = tuple[tuple[str, str], ...]

MAX_DEPTH = 400
"""How deeply schemas may be nested in each other."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The draft that reads a schema.  `asserts` is False where a metaschema leaves validation out."""

    draft: int
    specification: Any
    implied: bool = False
    asserts: bool = True

    @property
    def siblings_count(self) -> bool:
        """Do keywords beside `$ref` count?  They do from 2019-09 on."""
        return self.draft >= 2019


class Scope:
    """What the surroundings of a schema decide: draft, base, dynamic scope.  Its nodes, by schema."""

    __slots__ = ("base", "dialect", "documents", "environment", "nodes")

    def __init__(self, documents: Documents, dialect: Dialect, base: str, environment: Environment) -> None:
        self.documents = documents
        self.dialect = dialect
        self.base = base
        self.environment = environment
        self.nodes: dict[int, Node] = {}

    def node(self, contents: Schema, place: Place) -> Node:
        """The node of a schema, which keeps the place that it was first met at."""
        node = self.nodes.get(id(contents))
        if node is None:
            node = self.nodes[id(contents)] = Node(self, contents, place)
        return node


class Node:
    """One schema at its place.  Made by `Documents`, interned, compared by identity."""

    __slots__ = ("contents", "place", "scope")

    def __init__(self, scope: Scope, contents: Schema, place: Place) -> None:
        self.scope = scope
        self.contents = contents
        self.place = place

    def __repr__(self) -> str:
        return self.pointer

    @property
    def dialect(self) -> Dialect:
        """The draft that reads this schema."""
        return self.scope.dialect

    @property
    def pointer(self) -> str:
        """Where this schema is, for messages."""
        place: Place = (self,)
        parts: list[str | int] = []
        while not isinstance(place, str):
            parts += place[:0:-1]
            place = place[0].place
        return pointer_to(place, reversed(parts))

    def at(self, *path: str | int) -> str:
        """The pointer of a part of this schema, for messages."""
        return pointer_to(self.pointer, path)

    def child(self, *path: str | int) -> Node:
        """The schema under a keyword of this one."""
        contents = self.contents
        for part in path:
            contents = contents[part]
        return self.scope.documents.inside(contents, (self, *path))

    def children(self, keyword: str) -> list[tuple[str, Node]]:
        """The schemas under a keyword that holds a map of them, by name."""
        scope, schemas = self.scope, self.contents[keyword]
        if scope.documents.targets is None:
            return [(name, self.child(keyword, name)) for name in schemas]
        return [(name, scope.node(schema, (self, keyword, name))) for name, schema in schemas.items()]

    def refer(self, keyword: str, reference: str) -> Node:
        """The schema that `$ref`, `$dynamicRef` or `$recursiveRef` means here."""
        return self.scope.documents.refer(self, keyword, reference)


class Joined(Node):
    """A schema that applies to a value beside others: as a member of `allOf`, for instance.

    It is the same schema, but where an option closes objects, they are closed together (translate.py).
    """

    __slots__ = ()

    @classmethod
    def of(cls, node: Node) -> Joined:
        """The schema of a node; whoever makes it keeps it, as it is compared by identity."""
        return cls(node.scope, node.contents, node.place)


Place = str | tuple[Any, ...]
"""A pointer, or a node and the path from there."""


class Documents:
    """The schema, and everything it may refer to."""

    def __init__(self, registry: Registry[Any], targets: Mapping[str, Schema] | None = None) -> None:
        self.registry = registry
        self.targets = targets
        self._scopes: dict[tuple[object, ...], Scope] = {}
        self._dialects: dict[str, Dialect] = {}
        self._anchors: dict[str, tuple[str, ...]] = {}
        self.root_base = ""
        self.read_from_root: set[str] = set()

    @classmethod
    def load(
        cls, schema: Schema, registry: Registry[Any] | Mapping[str, Schema] | None = None
    ) -> tuple[Documents, Node]:
        """The documents of one schema, and the node of the schema itself."""
        known: Registry[Any] = jsonschema_specifications.REGISTRY
        supplied = registry if isinstance(registry, Mapping) else {}
        for uri, contents in supplied.items():
            as_text(uri, "a URI of the registry", error=SchemaError)
            for _ in each_value(contents, f"{uri}#"):
                pass
        if isinstance(registry, Registry):
            known, supplied = known.combine(registry), {}
        documents = cls(known)
        dialect = documents.dialect_of(schema, DEFAULT_DIALECT, "#", supplied)
        schema = _without_inner_dialects(schema, dialect.specification)
        root = _resource(schema, dialect.specification)
        base = root.id() or ""
        resources = [(uri, _resource(contents, dialect.specification)) for uri, contents in supplied.items()]
        try:
            documents.registry = known.with_resources([*resources, (base, root)]).crawl()
        except ValueError as problem:
            where = next(_no_uris(schema), "in the registry")
            raise SchemaError(f"an id is not a URI: {problem}", where=where) from problem
        except (TypeError, AttributeError) as problem:
            raise SchemaError(
                "an embedded resource does not have the form of the dialect that its own `$schema` names",
                where="#",
                hint="draft 4 has no boolean schemas; drop the inner `$schema`, or write `{}` for `true`",
            ) from problem
        documents.root_base = base
        return documents, documents._node(schema, dialect, base, "#", ())

    @classmethod
    def plain(cls, schema: Schema, dialect: Dialect, targets: Mapping[str, Schema]) -> Node:
        """The node of a schema that refers only to `targets`, places in itself, and moves no base."""
        documents = cls(jsonschema_specifications.REGISTRY, targets)
        scope = documents._scopes[()] = Scope(documents, dialect, "", ())
        return scope.node(schema, "#")

    def forget(self) -> None:
        """Cut the circle of documents and nodes; nodes that are held go on working."""
        for scope in self._scopes.values():
            scope.nodes.clear()
        self._scopes.clear()

    def dialect_of(
        self,
        schema: Schema,
        outer: Dialect,
        where: str,
        extra: Mapping[str, Schema] | None = None,
    ) -> Dialect:
        """The dialect that a resource declares, or that of its surroundings."""
        if not isinstance(schema, dict) or "$schema" not in schema:
            return outer
        uri = schema["$schema"]
        if not isinstance(uri, str):
            raise SchemaError("`$schema` must be a string", where=f"{where}/$schema")
        return self._dialect_named(uri.rstrip("#"), where, extra, ())

    def _dialect_named(
        self, uri: str, where: str, extra: Mapping[str, Schema] | None, path: tuple[str, ...]
    ) -> Dialect:
        dialect = self._dialects.get(uri) or _DIALECTS.get(uri)
        if dialect is not None:
            return dialect
        metaschema = self._metaschema(uri, extra)
        if metaschema is None and uri in _WITHOUT_A_DRAFT:
            return DEFAULT_DIALECT
        if metaschema is None or uri in path:
            raise UnsupportedKeywordError(
                f"`$schema` names a dialect that is not known here: `{uri}`",
                where=f"{where}/$schema",
                hint="use draft-04, draft-06, draft-07, 2019-09 or 2020-12, or supply the metaschema "
                "through `registry`",
            )
        base = self._dialect_named(
            str(metaschema.get("$schema", "https://json-schema.org/draft/2020-12/schema")).rstrip("#"),
            where,
            extra,
            (*path, uri),
        )
        vocabularies = metaschema.get("$vocabulary")
        asserts = not isinstance(vocabularies, dict) or any(
            name.endswith("/vocab/validation") for name in vocabularies
        )
        dialect = replace(base, asserts=asserts)
        self._dialects[uri] = dialect
        return dialect

    def _metaschema(self, uri: str, extra: Mapping[str, Schema] | None) -> dict[str, Any] | None:
        contents = (extra or {}).get(uri)
        if contents is None:
            try:
                contents = self.registry[uri].contents
            except (lookup_errors.NoSuchResource, LookupError):
                return None
        return contents if isinstance(contents, dict) else None

    # Nodes.

    def _node(
        self, contents: Schema, dialect: Dialect, base: str, place: Place, environment: Environment
    ) -> Node:
        environment = self._entered(environment, base, dialect)
        key = (dialect, base, environment)
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = Scope(self, dialect, base, environment)
        return scope.node(contents, place)

    def inside(self, contents: Schema, place: tuple[Any, ...]) -> Node:
        """A schema that is written inside another one."""
        scope: Scope = place[0].scope
        if self.targets is None and isinstance(contents, dict) and ("$id" in contents or "id" in contents):
            identifier = _resource(contents, scope.dialect.specification).id()
            if identifier is not None:
                try:
                    base = urljoin(scope.base, identifier)
                except ValueError as problem:
                    where = place[0].at(*place[1:])
                    raise SchemaError(f"an id is not a URI: {problem}", where=where) from problem
                dialect = self.dialect_of(contents, scope.dialect, place[0].at(*place[1:]))
                return self._node(contents, dialect, base, place, scope.environment)
        return scope.node(contents, place)

    def _look_up(self, base: str, reference: str) -> tuple[Schema, str]:
        """What a reference means under a base, and the base that holds there."""
        # A resolver without a history: dynamic scope is ours to follow, and must not be followed twice.
        # A fragment is looked up under its base, since joining and splitting URIs again changes some of them.
        try:
            if reference.startswith("#"):
                resolved = self.registry.resolver(base).lookup(reference)
            else:
                resolved = self.registry.resolver().lookup(urljoin(base, reference))
        except (TypeError, ValueError) as problem:  # a pointer goes on into a number, or counts no list
            if "#/" not in reference:
                raise
            nowhere: Any = lookup_errors.PointerToNowhere
            raise nowhere(ref=reference, resource=Resource.opaque({})) from problem
        return resolved.contents, resolved.resolver._base_uri

    def refer(self, node: Node, keyword: str, reference: str) -> Node:
        """What a reference means at a node."""
        scope = node.scope
        if self.targets is not None:
            return scope.node(self.targets[reference], reference)
        where = node.at(keyword)
        try:
            contents, base = self._look_up(scope.base, reference)
        except lookup_errors.NoSuchAnchor as error:
            raise SchemaError(f"`{reference}` names an anchor that does not exist", where=where) from error
        except (lookup_errors.PointerToNowhere, lookup_errors.InvalidAnchor) as error:
            from_root = self._from_root(node, reference)
            if from_root is None:
                raise SchemaError(f"`{reference}` leads nowhere", where=where) from error
            self.read_from_root.add(where)
            contents, base = from_root
        except (lookup_errors.Unresolvable, lookup_errors.NoSuchResource, ValueError) as error:
            raise SchemaError(
                f"`{reference}` is not in this document",
                where=where,
                hint="nothing is fetched from the network; supply other documents through `registry`",
            ) from error
        if keyword == "$recursiveRef":
            if isinstance(contents, dict) and contents.get("$recursiveAnchor") is True:
                outermost = dict(scope.environment).get("")
                if outermost is not None:
                    contents, base = self._look_up(outermost, "#")
        elif keyword == "$dynamicRef":
            name = reference.partition("#")[2]
            anchor = contents.get("$dynamicAnchor") if isinstance(contents, dict) else None
            if name and isinstance(anchor, str) and anchor == name:
                outermost = dict(scope.environment).get(name)
                if outermost is not None:
                    contents, base = self._look_up(outermost, f"#{name}")
        dialect = scope.dialect
        if base != scope.base:
            dialect = self.dialect_of(self._resource_at(base), dialect, where)
        fragment = reference.partition("#")[2]
        return self._node(contents, dialect, base, f"{base}#{fragment}", scope.environment)

    def _from_root(self, node: Node, reference: str) -> tuple[Schema, str] | None:
        """What a pointer means from the document's root, for authors who took an id for a name.

        An embedded id moves the base, and pointers beside it start at the embedded resource; where there is
        nothing, real documents mean their root.  The report says so.
        """
        if not reference.startswith("#/") or node.scope.base == self.root_base:
            return None
        try:
            return self._look_up(self.root_base, reference)
        except lookup_errors.Unresolvable:
            return None

    def _resource_at(self, base: str) -> Schema:
        try:
            return self._look_up(base, "#")[0]
        except (lookup_errors.Unresolvable, LookupError):
            return None

    # Dynamic scope.

    def _entered(self, environment: Environment, uri: str, dialect: Dialect) -> Environment:
        if dialect.draft < 2019:
            return environment
        names = self._anchors.get(uri)
        if names is None:
            names = self._anchors[uri] = tuple(self._dynamic_anchors(uri, dialect))
        missing = [(name, uri) for name in names if all(known != name for known, _ in environment)]
        return tuple(sorted((*environment, *missing))) if missing else environment

    def _dynamic_anchors(self, uri: str, dialect: Dialect) -> Iterator[str]:
        root = self._resource_at(uri)
        if isinstance(root, dict) and root.get("$recursiveAnchor") is True and dialect.draft == 2019:
            yield ""
        pending, first = [root], True
        while pending:
            contents = pending.pop()
            if not isinstance(contents, dict) or ("$id" in contents and not first):
                continue
            first = False
            anchor = contents.get("$dynamicAnchor")
            if isinstance(anchor, str) and dialect.draft == 2020:
                yield anchor
            pending.extend(_subschemas(contents, dialect.specification))


def _no_uris(schema: Schema) -> Iterator[str]:
    """Where ids are that cannot be joined with a base."""
    for path, contents in each_value(schema):
        if not isinstance(contents, dict):
            continue
        for name in ("$id", "id"):
            try:
                urljoin("http://json-schema.org/", str(contents.get(name)))
            except ValueError:
                yield pointer_to("#", [*path, name])


def _subschemas(contents: Schema, specification: Any) -> list[Schema]:
    try:
        return list(specification.subresources_of(contents))
    except (AttributeError, TypeError, ValueError):  # arrays of numpy's are not compared
        return []


def _anchors(contents: Schema, specification: Any) -> list[Any]:
    try:
        found = list(specification.anchors_in(contents)) if isinstance(contents, dict) else []
        return [anchor for anchor in found if isinstance(anchor.name, str)]
    except (AttributeError, TypeError, ValueError):  # arrays of numpy's are not compared
        return []


def _without_inner_dialects(schema: Schema, specification: Any) -> Schema:
    """The schema without `$schema` where it names no resource: below the root and beside no id.

    It has no meaning there (2020-12 core, 8.1.1; draft 7 core, 7), yet registries would follow it.
    """
    idle: set[int] = set()
    pending = _subschemas(schema, specification)
    seen: set[int] = set()
    while pending:
        contents = pending.pop()
        if id(contents) in seen or not isinstance(contents, dict):
            continue
        seen.add(id(contents))
        if "$schema" in contents and "$id" not in contents and "id" not in contents:
            idle.add(id(contents))
        pending.extend(_subschemas(contents, specification))

    return _copied(schema, idle) if idle else schema


def _copied(contents: Schema, idle: set[int]) -> Schema:
    if isinstance(contents, list):
        return [_copied(item, idle) for item in contents]
    if not isinstance(contents, dict):
        return contents
    hide = id(contents) in idle
    return {key: _copied(item, idle) for key, item in contents.items() if not (hide and key == "$schema")}


def _resource(contents: Schema, specification: Any) -> Resource[Any]:
    """A resource read by its own `$schema`, if that is a standard one."""
    if isinstance(contents, dict) and isinstance(contents.get("$schema"), str):
        own = _SPECIFICATIONS.get(contents["$schema"].rstrip("#"))
        specification = own[1] if own is not None else specification
    resource: Resource[Any] = specification.create_resource(contents)
    return resource


def _tolerant(specification: Any) -> Any:
    """The same rules, for documents with anything where a schema should be: the scan judges those."""

    def identifier(contents: Schema) -> str | None:
        if not isinstance(contents, dict):
            return None
        try:
            found = specification.id_of(contents)
        except AttributeError:  # it is asked of what holds schemas, too: an `id` in `properties` is one
            return None
        return found if isinstance(found, str) else None

    make: Any = Specification
    return make(
        name=specification.name,
        id_of=identifier,
        subresources_of=lambda contents: _subschemas(contents, specification),
        anchors_in=lambda _, contents: _anchors(contents, specification),
        maybe_in_subresource=specification.maybe_in_subresource,
    )


def standard_dialect(schema: Schema) -> Dialect | None:
    """The dialect that a document declares, or the default; None if it is not one of the standard's own."""
    if not isinstance(schema, dict) or "$schema" not in schema:
        return DEFAULT_DIALECT
    uri = schema["$schema"]
    return _DIALECTS.get(uri.rstrip("#")) if isinstance(uri, str) else None


_SPECIFICATIONS: dict[str, tuple[int, Any]] = {
    "http://json-schema.org/draft-04/schema": (4, _tolerant(DRAFT4)),
    "http://json-schema.org/draft-06/schema": (6, _tolerant(DRAFT6)),
    "http://json-schema.org/draft-07/schema": (7, _tolerant(DRAFT7)),
    "https://json-schema.org/draft/2019-09/schema": (2019, _tolerant(DRAFT201909)),
    "https://json-schema.org/draft/2020-12/schema": (2020, _tolerant(DRAFT202012)),
}
_DIALECTS = {
    spelled: Dialect(*standard)
    for uri, standard in _SPECIFICATIONS.items()
    for spelled in (uri, uri.replace("http://json-schema.org/draft-", "https://json-schema.org/draft-"))
}
_WITHOUT_A_DRAFT = frozenset({"http://json-schema.org/schema", "https://json-schema.org/schema"})
DEFAULT_DIALECT = Dialect(*_SPECIFICATIONS["https://json-schema.org/draft/2020-12/schema"], implied=True)
