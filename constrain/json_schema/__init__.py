"""JSON Schema, whole and exact: schemas become goals, goals become continuations."""
