"""The type that the README's command line asks for."""

from pydantic import BaseModel


class Person(BaseModel):
    """Someone who introduces themselves."""

    name: str
    age: int
    city: str
